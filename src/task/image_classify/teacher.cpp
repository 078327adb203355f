#include "task/image_classify/teacher.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "task/image_classify/evaluate.h"

namespace attend::task {

Teacher::Teacher(const std::filesystem::path& folder, const model::PictureShape& shape,
                 const std::vector<std::string>& classes, const data::PixelStatistics& pixels)
    : classifier_(folder) {
  const ImageClassifyConfig& config = classifier_.config();
  if (config.classes != classes)
    throw Error(fmt::format("teacher {}: its classes are not those of the data", folder.string()));
  if (const model::PictureShape own = config.model.pictures(); own != shape)
    throw Error(fmt::format(
        "teacher {}: it sees pictures of {} x {} with {} channels, not of {} x {} with {}", folder.string(),
        own.height, own.width, own.channels, shape.height, shape.width, shape.channels));
  if (config.pixels == pixels) return;
  std::vector<float> factor, shift;
  for (std::size_t c = 0; c < static_cast<std::size_t>(shape.channels); ++c) {
    factor.push_back(pixels.deviation[c] / config.pixels.deviation[c]);
    shift.push_back((pixels.mean[c] - config.pixels.mean[c]) / config.pixels.deviation[c]);
  }
  factor_ = Tensor::from(factor, {shape.channels});
  shift_ = Tensor::from(shift, {shape.channels});
}

std::vector<std::int64_t> Teacher::answers(const Tensor& pictures, DType compute) const {
  const autograd::NoGrad no_grad;
  const Tensor seen = factor_.defined() ? op::add(op::multiply(pictures, factor_), shift_) : pictures;
  const auto values = log_probabilities(classifier_.model(), seen, compute);
  const auto classes = static_cast<std::ptrdiff_t>(classifier_.classes().size());
  std::vector<std::int64_t> answers;
  for (auto row = values.begin(); row != values.end(); row += classes)
    answers.push_back(std::max_element(row, row + classes) - row);
  return answers;
}

}  // namespace attend::task
