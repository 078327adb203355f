#pragma once

#include "attend/op/cross_entropy.h"
#include "attend/tensor/tensor.h"

/// Boxes with sides along the axes, [N, 4]: corners (x0, y0, x1, y1) with x0 <= x1 and y0 <= y1, in any unit.
/// f32, bf16 or f64. The area of a box whose corners are the other way round is 0 where overlaps are
/// measured. Each function throws Error when shapes or dtypes do not fit.
namespace attend::op {

/// Intersection over union of all pairs: overlap[i, j] = |a_i and b_j| / |a_i or b_j|; 0 where the union has
/// no area, NaN where a coordinate is NaN.
///
/// a: [N, 4], b: [M, 4], of one dtype. Result: [N, M], f32 (f64 for f64), computed in f64. Not
/// differentiable.
Tensor box_iou(const Tensor& a, const Tensor& b);

/// Generalised intersection over union of all pairs: IoU - (|hull| - |a_i or b_j|) / |hull|, the hull being
/// the smallest box around both (Rezatofighi et al., "Generalized Intersection over Union", 2019). From -1 to
/// 1; the IoU where the hull has no area. Otherwise like box_iou().
Tensor box_giou(const Tensor& a, const Tensor& b);

/// 1 - GIoU of each pair a_i, b_i, every divisor plus 1e-7.
///
/// a, b: [N, 4], of one dtype; gradients flow to both. Result: [N] for none, a scalar for the sum or the mean
/// (0 of no boxes); f32 (f64 for f64). Where two sides are equal, both boxes get half of their gradient.
Tensor giou_loss(const Tensor& a, const Tensor& b, Reduction reduction = Reduction::mean);

/// Greedy non-maximum suppression: boxes from the highest score to the lowest, of equal ones in their order,
/// without those whose IoU with one that was kept is above the threshold.
///
/// boxes: [N, 4], scores: [N], both f32, bf16 or f64. Result: the indices of those that are kept, in that
/// order, i64 [K]. Not differentiable. Throws Error also when a number is NaN or infinite, or the threshold
/// is NaN.
Tensor nms(const Tensor& boxes, const Tensor& scores, double iou_threshold);

}  // namespace attend::op
