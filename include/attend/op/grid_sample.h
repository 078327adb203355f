#pragma once

#include <cstdint>

#include "attend/op/interpolation.h"
#include "attend/tensor/tensor.h"

/// Spatial transformers (Jaderberg et al., "Spatial Transformer Networks", 2015): read feature maps at places
/// that a network chooses. Feature maps are [batch, height, width, channels].
namespace attend::op {

/// What lies outside of a feature map.
enum class GridPadding : std::uint8_t {
  zeros,
  border,      ///< the nearest pixel of the border
  reflection,  ///< the feature map mirrored at its border, again and again
};

struct GridSampleOptions {
  Interpolation mode = Interpolation::bilinear;
  GridPadding padding = GridPadding::zeros;
  /// -1 and 1 are the centres of the outermost pixels; otherwise their outer edges.
  bool align_corners = false;
};

/// y[b, i, j] = x[b] at the place grid[b, i, j] = (x, y), where (-1, -1) is the upper left and (1, 1) the
/// lower right corner.
///
/// x: [B, H, W, C], f32, bf16 or f64, H, W and C at least 1. grid: [B, h, w, 2], f32 (f64 beside f64 x).
/// Result: [B, h, w, C], of x's dtype. Places are computed in f64, sums in f32 (f64 for f64). The nearest of
/// two pixels at one distance is the even one, and with `nearest` the grid's gradient is zero. A coordinate
/// that is NaN, or infinite under reflection, reads zeros and gets no gradient. As PyTorch's grid_sample;
/// same bits for any number of threads. Throws Error when shapes or dtypes do not fit.
Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& options = {});

/// The grid of an affine map for each image: grid[b, i, j] = theta[b] (x_j, y_i, 1), where x_j and y_i are
/// the centres of the pixels of a height x width image.
///
/// theta: [B, 2, 3], f32, bf16 or f64; the identity is ((1, 0, 0), (0, 1, 0)). Result: [B, height, width, 2],
/// f32 (f64 for f64), for grid_sample() with the same align_corners. Throws Error when theta does not fit or
/// a size is below 1.
Tensor affine_grid(const Tensor& theta, std::int64_t height, std::int64_t width, bool align_corners = false);

}  // namespace attend::op
