#pragma once

#include "attend/tensor/tensor.h"

namespace attend::op {

/// y = (x - mean) / sqrt(variance + epsilon) weight + bias over the last axis, the variance divided by its
/// length (Ba et al., "Layer Normalization", 2016).
///
/// x: [..., d], f32, bf16 or f64, and so is y. weight, bias: [d], f32 (f64 beside f64 x), or undefined.
/// Throws Error when shapes or dtypes do not fit or epsilon is negative.
Tensor layer_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {}, double epsilon = 1e-5);

/// y = x / sqrt(mean of x^2 + epsilon) weight over the last axis (Zhang and Sennrich, "Root Mean Square Layer
/// Normalization", 2019). Otherwise like layer_norm().
Tensor rms_norm(const Tensor& x, const Tensor& weight = {}, double epsilon = 1e-5);

struct SumAndNorm {
  Tensor sum;         ///< x + residual, in their dtype
  Tensor normalised;  ///< the norm of that sum
};

/// s = x + residual (of one shape and dtype) and the layer norm of s, in one pass; the gradients that come
/// back through both outputs are joined in one pass too.
SumAndNorm add_layer_norm(const Tensor& x, const Tensor& residual, const Tensor& weight = {},
                          const Tensor& bias = {}, double epsilon = 1e-5);
/// The same with the RMS norm.
SumAndNorm add_rms_norm(const Tensor& x, const Tensor& residual, const Tensor& weight = {},
                        double epsilon = 1e-5);

}  // namespace attend::op
