#include "decode/scores.h"

#include <fmt/format.h>

#include <atomic>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/op/cast.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"

namespace attend::decode {

Tensor log_probabilities_of(const Tensor& scores, std::int64_t rows) {
  if (!scores.defined() || scores.rank() != 2 || scores.dim(0) != rows || scores.dim(1) < 1 ||
      !is_floating(scores.dtype()))
    throw Error(fmt::format("scores {} of the next tokens: [{}, vocabulary] of f32, bf16 or f64 needed",
                            scores.defined() ? scores.text() : "undefined", rows));
  const Tensor wide = scores.dtype() == DType::f64 ? scores : op::cast(scores, DType::f32);
  const Tensor result = op::contiguous(op::cast(op::log_softmax(wide), DType::f32));
  const std::int64_t vocabulary = result.dim(1);
  std::atomic<bool> is_bad = false;
  parallel_for(rows, 1, [&](std::int64_t begin, std::int64_t end) {
    const float* values = result.data<float>();
    // Counted without a branch, so that the compiler makes vectors of it.
    std::int32_t found = 0;
    for (std::int64_t i = begin * vocabulary; i < end * vocabulary; ++i)
      found |= static_cast<std::int32_t>(values[i] != values[i]);
    if (found != 0) is_bad = true;
  });
  if (is_bad) throw Error("the model gives a score that is NaN or infinite: its weights are damaged");
  return result;
}

Tensor checked_attention(const Tensor& attention, std::int64_t rows, std::int64_t width) {
  if (attention.rank() != 2 || attention.dim(0) != rows || attention.dim(1) < width ||
      !is_floating(attention.dtype()))
    throw Error(
        fmt::format("attention {} of a step: [{}, {} or more] needed", attention.text(), rows, width));
  return op::contiguous(op::cast(attention, DType::f64));
}

}  // namespace attend::decode
