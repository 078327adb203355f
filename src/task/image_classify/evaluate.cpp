#include "task/image_classify/evaluate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attend/autograd/tape.h"
#include "task/classify/evaluate.h"
#include "task/image_classify/data.h"

namespace attend::task {

namespace {

constexpr std::int64_t kAtOnce = 256;

// Whether the label is among the five most likely classes.
bool is_in_top5(const ClassAnswer& answer, std::int64_t label) {
  const double own = answer.probabilities[static_cast<std::size_t>(label)];
  return std::ranges::count_if(answer.probabilities, [&](double p) { return p > own; }) < 5;
}

}  // namespace

std::vector<float> log_probabilities(const model::ImageClassifier& model, const Tensor& pictures,
                                     DType compute) {
  const autograd::NoGrad no_grad;
  nn::Run run;
  run.compute = compute;
  const Tensor logits = model.logits(pictures, run);
  auto values = logits.to_vector<float>();
  const auto classes = static_cast<std::size_t>(logits.dim(1));
  for (std::size_t row = 0; row < values.size(); row += classes) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(row),
               end = begin + static_cast<std::ptrdiff_t>(classes);
    const float most = *std::max_element(begin, end);
    double sum = 0;
    for (auto v = begin; v != end; ++v) sum += std::exp(static_cast<double>(*v - most));
    const auto total = static_cast<float>(std::log(sum)) + most;
    for (auto v = begin; v != end; ++v) *v -= total;
  }
  return values;
}

std::vector<float> log_probabilities(const model::ImageClassifier& model, const data::LabelledImages& images,
                                     const model::PictureShape& shape, const data::PixelStatistics& pixels,
                                     DType compute) {
  std::vector<float> result;
  for (std::int64_t first = 0; first < images.size(); first += kAtOnce) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(std::min(kAtOnce, images.size() - first)));
    std::iota(rows.begin(), rows.end(), first);
    const auto values = log_probabilities(model, pictures_of(images, rows, shape, pixels), compute);
    result.insert(result.end(), values.begin(), values.end());
  }
  return result;
}

ClassifyEvaluation evaluation_of(const std::vector<float>& values, const data::LabelledImages& images) {
  const auto classes = static_cast<std::int64_t>(images.class_names().size());
  ColumnEvaluation column;
  column.column = "class";
  column.labels = images.class_names();
  std::vector<std::int64_t> predicted;
  std::vector<double> confidence;
  std::vector<bool> correct;
  std::int64_t top5 = 0;
  for (std::int64_t i = 0; i < images.size(); ++i) {
    const ClassAnswer answer = answer_of(values, i, classes);
    const std::int64_t label = images.labels()[static_cast<std::size_t>(i)];
    predicted.push_back(answer.label);
    confidence.push_back(std::min(answer.probability(), 1.0));
    correct.push_back(answer.label == label);
    top5 += is_in_top5(answer, label) ? 1 : 0;
    column.loss -= static_cast<double>(values[static_cast<std::size_t>(i * classes + label)]);
  }
  const auto count = static_cast<double>(images.size());
  column.loss /= count;
  column.score = metric::classification_score(images.labels(), predicted, classes);
  column.calibration = metric::calibration(confidence, correct);
  column.top5 = static_cast<double>(top5) / count;
  ClassifyEvaluation result;
  result.unit = "pictures";
  result.texts = images.size();
  result.skipped = images.skipped();
  result.columns.push_back(std::move(column));
  return result;
}

}  // namespace attend::task
