#pragma once

#include <cstdint>

#include "attend/tensor/tensor.h"

/// Regions of interest: the part of a feature map inside each of R boxes, in one size for all.
///
/// x: [B, H, W, C], f32, bf16 or f64. boxes: [R, 4], the corners (x0, y0, x1, y1) in pixels of the image that
/// x was made of, f32 (f64 beside f64 x), finite; they get no gradient. image: [R], i32 or i64, in [0, B):
/// the one that each box lies in. Results: [R, height, width, C], of x's dtype. As torchvision's operations;
/// same bits for any number of threads. Each throws Error when shapes or dtypes do not fit, an image or a
/// coordinate is out of range, a size is not in [1, 65536] or spatial_scale is not above 0.
namespace attend::op {

struct RoiAlignOptions {
  std::int64_t height = 7, width = 7;
  double spatial_scale = 1;  ///< pixels of x for one of the boxes' pixels
  /// Points along each axis of a bin. 0: as many as a bin has pixels, rounded up.
  std::int64_t sampling_ratio = 0;
  /// Pixel i has its centre at i + 1/2 of the box's coordinates. Otherwise, as in the first version of the
  /// paper's code, it is at i, and boxes are at least one pixel high and wide.
  bool aligned = true;
};

/// The mean of bilinear samples at regular points of each of height x width equal bins (He et al., "Mask
/// R-CNN", 2017). A point more than one pixel outside of x counts as 0; a nearer one gets the border's pixel.
/// Throws Error for a box that would need more than 65536 points in a bin.
Tensor roi_align(const Tensor& x, const Tensor& boxes, const Tensor& image,
                 const RoiAlignOptions& options = {});

struct RoiPoolOptions {
  std::int64_t height = 7, width = 7;
  double spatial_scale = 1;  ///< as above
};

/// The largest pixel of each of height x width bins of the box, rounded to whole pixels (Girshick, "Fast
/// R-CNN", 2015). Bins may overlap by a pixel; one without a pixel of x gives 0. NaN where a bin has one. The
/// gradient goes to the first of equal maxima.
Tensor roi_pool(const Tensor& x, const Tensor& boxes, const Tensor& image,
                const RoiPoolOptions& options = {});

}  // namespace attend::op
