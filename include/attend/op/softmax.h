#pragma once

#include "attend/tensor/tensor.h"

/// Softmax over the last axis: f32, bf16 (computed in f32) or f64, any strides. Throws Error for another
/// dtype or a scalar.
namespace attend::op {

/// y_i = exp(x_i) / sum_j exp(x_j), computed from x - max x. A row of -infinity gives zeros, and gradients of
/// zero.
Tensor softmax(const Tensor& x);
/// y_i = x_i - log sum_j exp(x_j), computed from x - max x. A row of -infinity stays, and gives gradients of
/// zero.
Tensor log_softmax(const Tensor& x);

}  // namespace attend::op
