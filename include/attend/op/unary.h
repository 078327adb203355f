#pragma once

#include "attend/tensor/tensor.h"

/// Functions of one tensor, element by element: f32, bf16 (computed in f32) or f64, any strides. Each throws
/// Error for another dtype.
namespace attend::op {

/// -x.
Tensor negate(const Tensor& x);
/// e^x.
Tensor exp(const Tensor& x);
/// The natural logarithm; -infinity at 0, NaN below.
Tensor log(const Tensor& x);
/// The square root; NaN below 0.
Tensor sqrt(const Tensor& x);
/// 1 / sqrt(x).
Tensor rsqrt(const Tensor& x);
/// x^2.
Tensor square(const Tensor& x);
/// |x|, whose derivative at 0 is 0.
Tensor absolute(const Tensor& x);

}  // namespace attend::op
