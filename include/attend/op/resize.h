#pragma once

#include <cstdint>

#include "attend/op/interpolation.h"
#include "attend/tensor/tensor.h"

namespace attend::op {

struct ResizeOptions {
  Interpolation mode = Interpolation::bilinear;
  /// The centres of the outermost pixels stay where they are; otherwise their outer edges. For bilinear only.
  bool align_corners = false;
};

/// Feature maps with more or fewer pixels. Pixel i of n along an axis is read at
///
///     i (N - 1) / (n - 1)              bilinear with align_corners; 0 for n = 1
///     (i + 1/2) N / n - 1/2            bilinear, held between 0 and N - 1
///     floor(i N / n)                   nearest
///
/// of N pixels. x: [B, H, W, C], f32, bf16 or f64, H, W and C at least 1. Result: [B, height, width, C], of
/// x's dtype; sums in f32 (f64 for f64). No filter is applied before pixels are left out. As PyTorch's
/// interpolate; same bits for any number of threads. Throws Error when x does not fit, a size is not in [1,
/// 2^31), or align_corners is set for nearest.
Tensor resize(const Tensor& x, std::int64_t height, std::int64_t width, const ResizeOptions& options = {});

}  // namespace attend::op
