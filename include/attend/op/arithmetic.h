#pragma once

#include "attend/tensor/tensor.h"

/// Arithmetic of two tensors, element by element. Both have one dtype, f32, bf16 (computed in f32) or f64,
/// and shapes that broadcast by NumPy's rules; any strides. Each throws Error naming both otherwise.
namespace attend::op {

/// a + b.
Tensor add(const Tensor& a, const Tensor& b);
/// a - b.
Tensor subtract(const Tensor& a, const Tensor& b);
/// a b.
Tensor multiply(const Tensor& a, const Tensor& b);
/// a / b.
Tensor divide(const Tensor& a, const Tensor& b);
/// The larger one; NaN when either is. Where both are equal each gets half of the gradient.
Tensor maximum(const Tensor& a, const Tensor& b);
/// The smaller one; NaN when either is. Where both are equal each gets half of the gradient.
Tensor minimum(const Tensor& a, const Tensor& b);

/// factor x; f32, bf16 or f64.
Tensor scale(const Tensor& x, double factor);
/// x + term; f32, bf16 or f64.
Tensor add_scalar(const Tensor& x, double term);

}  // namespace attend::op
