#include "task/segment/evaluate.h"

#include <algorithm>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/shape.h"
#include "task/segment/data.h"

namespace attend::task {

namespace {

std::int64_t rounded_up(std::int64_t size, std::int64_t stride) {
  return (size + stride - 1) / stride * stride;
}

}  // namespace

Tensor pixel_logits(const model::UNet& model, const io::Image& picture, const data::PixelStatistics& pixels,
                    DType compute, attention::Observer* observer) {
  const autograd::NoGrad no_grad;
  const std::int64_t stride = model.config().stride(), channels = model.config().channels;
  const std::int64_t height = rounded_up(picture.height, stride), width = rounded_up(picture.width, stride);
  const data::Scene widened =
      data::crop({.image = io::with_channels(picture, channels)}, {.height = height, .width = width},
                 surrounded_by_mean(pixels, channels));
  nn::Run run;
  run.compute = compute;
  run.observer = observer;
  const Tensor one = data::normalised(widened.image, pixels);
  const Tensor logits = model.logits(op::reshape(one, {1, height, width, channels}), run);
  const Tensor whole = op::reshape(logits, {height, width, logits.dim(3)});
  return op::contiguous(op::slice(op::slice(whole, 0, 0, picture.height), 1, 0, picture.width));
}

io::Image most_likely(const Tensor& logits) {
  io::Image mask{.height = logits.dim(0), .width = logits.dim(1), .channels = 1};
  const auto values = logits.to_vector<float>();
  const auto classes = static_cast<std::ptrdiff_t>(logits.dim(2));
  for (auto first = values.begin(); first != values.end(); first += classes)
    mask.pixels.push_back(static_cast<std::uint8_t>(std::max_element(first, first + classes) - first));
  return mask;
}

SegmentEvaluation evaluate(const model::UNet& model, const data::ImageMaskPairs& pairs,
                           const data::PixelStatistics& pixels, DType compute) {
  SegmentEvaluation result{.pictures = pairs.size(), .skipped = pairs.skipped().count};
  metric::PixelConfusion confusion(model.config().classes);
  for (std::int64_t i = 0; i < pairs.size(); ++i) {
    const data::Scene scene = pairs.scene(i);
    const Tensor logits = pixel_logits(model, scene.image, pixels, compute);
    const std::vector<std::int32_t> labels(scene.mask->pixels.begin(), scene.mask->pixels.end());
    const Tensor targets = Tensor::from(labels, {logits.dim(0), logits.dim(1)});
    result.loss +=
        op::cross_entropy(logits, targets, {.reduction = op::Reduction::sum, .ignore_index = kUnknownClass})
            .item();
    confusion.add(scene.mask->pixels, most_likely(logits).pixels, kUnknownClass);
  }
  result.score = metric::segmentation_score(confusion);
  result.loss /= static_cast<double>(result.score.pixels);
  return result;
}

}  // namespace attend::task
