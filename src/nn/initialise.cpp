#include "attend/nn/initialise.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "attend/base/error.h"
#include "attend/base/parallel.h"

namespace attend::nn {

Tensor normal(const Shape& shape, double standard_deviation, RandomStream stream) {
  if (!(standard_deviation >= 0) || !std::isfinite(standard_deviation))
    throw Error(
        fmt::format("standard deviation {}: a finite number of at least 0 needed", standard_deviation));
  const Tensor result = Tensor::empty(shape);
  float* out = result.data<float>();
  const std::int64_t count = result.elements();
  // Four random words make four numbers, so chunks are whole groups of four.
  parallel_for((count + 3) / 4, 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t group = begin; group < end; ++group) {
      const auto words = stream.words(static_cast<std::uint64_t>(group));
      for (std::size_t pair = 0; pair < 2; ++pair) {
        // (word + 1/2) / 2^32 is never 0, whose logarithm is infinite.
        const double u = (words[2 * pair] + 0.5) * 0x1p-32;
        const double v = (words[2 * pair + 1] + 0.5) * 0x1p-32;
        const double radius = standard_deviation * std::sqrt(-2 * std::log(u)),
                     angle = 2 * std::numbers::pi * v;
        const std::int64_t i = 4 * group + 2 * static_cast<std::int64_t>(pair);
        if (i < count) out[i] = static_cast<float>(radius * std::cos(angle));
        if (i + 1 < count) out[i + 1] = static_cast<float>(radius * std::sin(angle));
      }
    }
  });
  return result;
}

}  // namespace attend::nn
