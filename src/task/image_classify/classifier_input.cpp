#include "task/image_classify/classifier_input.h"

#include <fmt/format.h>

#include <vector>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"

namespace attend::task {

ClassifierInput::ClassifierInput(const ImageClassifyConfig& classifier, const model::PictureShape& shape,
                                 const data::PixelStatistics& pixels, std::string_view name) {
  if (const model::PictureShape own = classifier.model.pictures(); own != shape)
    throw Error(fmt::format("{}: it sees pictures of {} x {} with {} channels, not of {} x {} with {}", name,
                            own.height, own.width, own.channels, shape.height, shape.width, shape.channels));
  const data::PixelStatistics& own = classifier.pixels;
  if (own == pixels) return;
  std::vector<float> factor, shift;
  for (std::size_t c = 0; c < static_cast<std::size_t>(shape.channels); ++c) {
    factor.push_back(pixels.deviation[c] / own.deviation[c]);
    shift.push_back((pixels.mean[c] - own.mean[c]) / own.deviation[c]);
  }
  factor_ = Tensor::from(factor, {shape.channels});
  shift_ = Tensor::from(shift, {shape.channels});
}

Tensor ClassifierInput::of(const Tensor& pictures) const {
  return factor_.defined() ? op::add(op::multiply(pictures, factor_), shift_) : pictures;
}

}  // namespace attend::task
