#pragma once

#include "attend/tensor/tensor.h"

namespace attend::op {

/// y = x W^T + b, over the last axis of x.
///
/// x: [..., in], f32, bf16 or f64. weight: [out, in], of x's dtype, or f32 master weights beside bf16 x
/// (products in bf16, sums in f32, and the weight's gradient in f32). bias: [out], f32 (f64 beside f64 x), or
/// undefined. y: [..., out], of x's dtype. Throws Error when shapes or dtypes do not fit.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace attend::op
