#pragma once

#include "attend/tensor/tensor.h"

/// Maps of scores to probabilities over the last axis that can be exactly zero: f32, bf16 (computed in f32)
/// or f64, any strides. Scores of -infinity get 0; a row of them gives zeros, and gradients of zero. A row
/// with NaN or +infinity gives NaN. Each throws Error for another dtype or a scalar.
namespace attend::op {

/// The point of the simplex nearest to x: y_i = max(0, x_i - t), with t such that sum_i y_i = 1 (Martins and
/// Astudillo, "From Softmax to Sparsemax", 2016). Backward, with S the set of y_i > 0: dx_i = dy_i - mean of
/// dy over S for i in S, 0 elsewhere.
Tensor sparsemax(const Tensor& x);

/// Entmax with alpha 1.5: y_i = max(0, x_i / 2 - t)^2, with t such that sum_i y_i = 1 (Peters, Niculae and
/// Martins, "Sparse Sequence-to-Sequence Models", 2019), solved exactly. Backward, with s_i = sqrt(y_i): dx_i
/// = s_i (dy_i - sum_j s_j dy_j / sum_j s_j).
Tensor entmax15(const Tensor& x);

}  // namespace attend::op
