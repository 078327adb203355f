#include "attend/op/dice_loss.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"

namespace attend::op {

namespace {

void check(const Tensor& logits, const Tensor& targets, const DiceLossOptions& options) {
  const auto fail = [&](const char* needed) {
    throw Error(fmt::format("Dice loss of logits {} and targets {}: {}",
                            logits.defined() ? logits.text() : "undefined",
                            targets.defined() ? targets.text() : "undefined", needed));
  };
  if (!logits.defined() || !targets.defined()) fail("both needed");
  if (!is_floating(logits.dtype())) fail("logits in f32, bf16 or f64 needed");
  if (targets.dtype() != DType::i32 && targets.dtype() != DType::i64) fail("targets in i32 or i64 needed");
  bool fits = logits.rank() >= 1 && targets.rank() == logits.rank() - 1 && logits.elements() > 0;
  for (int axis = 0; fits && axis < targets.rank(); ++axis) fits = targets.dim(axis) == logits.dim(axis);
  if (!fits) fail("[..., V] and [...] with at least one element needed");
  if (!(options.smoothing > 0) || !std::isfinite(options.smoothing)) fail("smoothing above 0 needed");
}

/// What does not depend on the logits: [rows, V] with a one at each target, and [rows, 1] with a zero where a
/// row is ignored.
struct Targets {
  Tensor hot, counted;
};

Targets targets_of(const Tensor& targets, std::int64_t classes, const DiceLossOptions& options, DType dtype) {
  const auto labels = targets.to_vector<std::int64_t>();
  std::vector<float> hot(labels.size() * static_cast<std::size_t>(classes)), counted(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (options.ignore_index && labels[i] == *options.ignore_index) continue;
    if (labels[i] < 0 || labels[i] >= classes)
      throw Error(
          fmt::format("Dice loss: target {} of row {}; 0 to {} are accepted", labels[i], i, classes - 1));
    hot[i * static_cast<std::size_t>(classes) + static_cast<std::size_t>(labels[i])] = 1;
    counted[i] = 1;
  }
  const auto rows = static_cast<std::int64_t>(labels.size());
  return {.hot = op::cast(Tensor::from(hot, {rows, classes}), dtype),
          .counted = op::cast(Tensor::from(counted, {rows, 1}), dtype)};
}

}  // namespace

Tensor dice_loss(const Tensor& logits, const Tensor& targets, const DiceLossOptions& options) {
  check(logits, targets, options);
  const DType dtype = logits.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const std::int64_t classes = logits.dim(-1), rows = logits.elements() / classes;
  const Targets expected = targets_of(targets, classes, options, dtype);
  const Tensor p = multiply(softmax(cast(reshape(logits, {rows, classes}), dtype)), expected.counted);
  const auto by_class = [](const Tensor& x) { return sum(x, {.axes = {0}}); };
  const Tensor above = add_scalar(scale(by_class(multiply(p, expected.hot)), 2), options.smoothing);
  const Tensor below = add_scalar(add(by_class(p), by_class(expected.hot)), options.smoothing);
  return add_scalar(scale(mean(divide(above, below)), -1), 1);
}

}  // namespace attend::op
