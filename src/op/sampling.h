#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "attend/base/parallel.h"
#include "attend/tensor/tensor.h"
#include "backend/cast.h"
#include "backend/kernels.h"
#include "op/chunk.h"
#include "op/feature_maps.h"

// Operations whose results are weighted sums of pixels. Such an operation says, by `taps(first, count, to)`,
// which pixels the outputs [first, first + count) are made of, `each` of them for one output; the functions
// here compute the sums, and their transpose.
namespace attend::op {

using backend::SamplingKernels;
using Tap = SamplingKernels::Tap;

constexpr std::int64_t kBilinearTaps = 4;

/// The four pixels around (y, x) in pixels, in the order upper left, upper right, lower left, lower right;
/// those that lie outside have no row.
inline void bilinear_taps(const FeatureMaps& maps, std::int64_t image, double y, double x, Tap* to) {
  const double top = std::floor(y), left = std::floor(x);
  for (int k = 0; k < 4; ++k) {
    const int down = k / 2, right = k % 2;
    const double row = top + down, column = left + right;
    // Compared before they become integers, which NaN and large numbers cannot.
    const bool is_inside = row >= 0 && row < static_cast<double>(maps.height) && column >= 0 &&
                           column < static_cast<double>(maps.width);
    to[k].row = !is_inside ? -1
                           : (image * maps.height + static_cast<std::int64_t>(row)) * maps.width +
                                 static_cast<std::int64_t>(column);
    to[k].weight = (down == 0 ? 1 - (y - top) : y - top) * (right == 0 ? 1 - (x - left) : x - left);
  }
}

/// Calls body(first, count, taps) for consecutive blocks of the outputs [begin, end).
template <class Taps, class Body>
void for_each_tap_block(std::int64_t begin, std::int64_t end, std::int64_t each, const Taps& taps,
                        Body&& body) {
  constexpr std::int64_t kTapsAtOnce = 1 << 10;
  const std::int64_t block =
      std::clamp<std::int64_t>(kTapsAtOnce / each, 1, std::max<std::int64_t>(1, end - begin));
  std::vector<Tap> buffer(static_cast<std::size_t>(block * each));
  for (std::int64_t first = begin; first < end; first += block) {
    const std::int64_t count = std::min(block, end - first);
    taps(first, count, buffer.data());
    body(first, count, buffer.data());
  }
}

/// The outputs [begin, end) of y [outputs, channels] from the rows of x [.., channels].
template <class Taps>
void gather_outputs(const Tensor& x, const Tensor& y, std::int64_t begin, std::int64_t end, std::int64_t each,
                    const Taps& taps) {
  const std::int64_t channels = x.dim(-1);
  for_each_tap_block(begin, end, each, taps, [&](std::int64_t first, std::int64_t count, const Tap* block) {
    SamplingKernels::Gather work{{x.dtype(), channels, channels, count, each, block}};
    work.x = x.raw();
    work.y = place(y, first * channels);
    backend::kernels().sampling.gather(work);
  });
}

/// A range of channels of one image: what one thread adds gradients to.
struct OwnedPart {
  std::int64_t image = 0, first_channel = 0, channels = 0;
};

/// The transpose of gather_outputs(), for the channels of `part`; dx is of parameter_dtype().
template <class Taps>
void scatter_outputs(const Tensor& dy, const Tensor& dx, const OwnedPart& part, std::int64_t begin,
                     std::int64_t end, std::int64_t each, const Taps& taps) {
  const std::int64_t channels = dx.dim(-1);
  for_each_tap_block(begin, end, each, taps, [&](std::int64_t first, std::int64_t count, const Tap* block) {
    SamplingKernels::Scatter work{{dy.dtype(), part.channels, channels, count, each, block}};
    work.dy = place(dy, first * channels + part.first_channel);
    work.dx = place(dx, part.first_channel);
    backend::kernels().sampling.scatter(work);
  });
}

/// The gradient of feature maps: body(part, dx) adds to the part of dx, zeros of parameter_dtype(), that it
/// alone owns. Which parts there are, and so the order of additions, depends on the sizes alone.
template <class Body>
Tensor gradient_by_parts(const FeatureMaps& maps, DType dtype, Body&& body) {
  constexpr std::int64_t kChannelsOfAPart = 64;
  const Tensor dx = Tensor::zeros(maps.shape(), parameter_dtype(dtype));
  const std::int64_t parts = (maps.channels + kChannelsOfAPart - 1) / kChannelsOfAPart;
  parallel_for(maps.batch * parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i % parts * kChannelsOfAPart;
      body(OwnedPart{i / parts, first, std::min(kChannelsOfAPart, maps.channels - first)}, dx);
    }
  });
  return dx.dtype() == dtype ? dx : backend::cast(dx, dtype);
}

}  // namespace attend::op
