#pragma once

#include "attend/tensor/tensor.h"

/// Boxes as networks predict them. All functions take and give [..., 4], f32 or f64, and are differentiable.
namespace attend::model {

/// (centre x, centre y, width, height) to corners (x0, y0, x1, y1), and back.
Tensor corners_of(const Tensor& centres);
Tensor centres_of(const Tensor& corners);

/// How far deltas are from 0 in units of the box's sides and of the logarithm of their factors.
struct DeltaScale {
  double centre = 1, side = 1;
};

/// What turns reference boxes into boxes: ((x - x_r) / w_r / scale.centre, the same of y, log(w / w_r) /
/// scale.side, the same of h) of centres and sides (Girshick et al., "Rich Feature Hierarchies", 2014,
/// appendix C). Both are corners.
Tensor encode_deltas(const Tensor& references, const Tensor& boxes, const DeltaScale& scale = {});
/// The inverse; factors of the sides are at most 1000 / 16.
Tensor decode_deltas(const Tensor& references, const Tensor& deltas, const DeltaScale& scale = {});

}  // namespace attend::model
