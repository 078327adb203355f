#include "attend/task/picture_classifier.h"

#include <fmt/format.h>

#include <utility>

#include "attend/base/error.h"
#include "attend/model/weights.h"
#include "task/classify/evaluate.h"
#include "task/image_classify/data.h"
#include "task/image_classify/evaluate.h"
#include "task/image_classify/places.h"
#include "task/model_folder.h"
#include "task/precision.h"

namespace attend::task {

struct PictureClassifier::Content {
  ImageClassifyConfig config;
  std::unique_ptr<model::ImageClassifier> model;
  model::PictureShape shape;
};

PictureClassifier::PictureClassifier(const std::filesystem::path& folder, std::string_view precision)
    : content_(std::make_unique<Content>()) {
  const DType dtype = dtype_of_precision(precision);
  content_->config = read_image_classify_config(folder);
  content_->model = model::make_image_classifier(content_->config.model);
  content_->shape = content_->config.model.pictures();
  model::load_parameters(*content_->model, folder / kWeightsFile);
  if (dtype == DType::bf16) content_->model->cast_parameters(DType::bf16);
}

PictureClassifier::~PictureClassifier() = default;
PictureClassifier::PictureClassifier(PictureClassifier&&) noexcept = default;
PictureClassifier& PictureClassifier::operator=(PictureClassifier&&) noexcept = default;

const ImageClassifyConfig& PictureClassifier::config() const {
  return content_->config;
}
const model::ImageClassifier& PictureClassifier::model() const {
  return *content_->model;
}
const std::vector<std::string>& PictureClassifier::classes() const {
  return content_->config.classes;
}

std::vector<ClassAnswer> PictureClassifier::classify(std::span<const io::Image> pictures) const {
  std::vector<ClassAnswer> answers;
  for (const io::Image& picture : pictures)
    answers.push_back(
        answer_of(log_probabilities(model(), batch_of(picture), DType::f32), 0, content_->shape.classes));
  return answers;
}

Tensor PictureClassifier::batch_of(const io::Image& picture) const {
  const model::PictureShape& shape = content_->shape;
  const Tensor one = data::normalised(fitted(picture, shape), config().pixels);
  return one.view_as({1, shape.height, shape.width, shape.channels},
                     {one.elements(), shape.width * shape.channels, shape.channels, 1});
}

explain::PictureMaps PictureClassifier::see(const io::Image& picture,
                                            std::optional<std::int64_t> label) const {
  const auto count = static_cast<std::int64_t>(classes().size());
  if (label && (*label < 0 || *label >= count))
    throw Error(fmt::format("class {}: this model has {}, counted from 0", *label, count));
  const ClassAnswer answer = classify(std::vector<io::Image>{picture})[0];
  const std::int64_t asked = label.value_or(answer.label);
  const auto asked_place = static_cast<std::size_t>(asked);
  explain::PictureMaps maps{
      .title = fmt::format("{}, {:.1f} %", classes()[asked_place], 100 * answer.probabilities[asked_place]),
      .picture = picture,
      .maps = places_that_count(model(), batch_of(picture), asked)};
  return maps;
}

ClassifyEvaluation PictureClassifier::evaluate(const std::filesystem::path& data, bool skip_bad) const {
  const data::LabelledImages images = open_pictures(to_test_on(data), skip_bad, classes());
  return evaluation_of(log_probabilities(model(), images, content_->shape, config().pixels, DType::f32),
                       images);
}

}  // namespace attend::task
