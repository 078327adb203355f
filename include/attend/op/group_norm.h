#pragma once

#include <cstdint>

#include "attend/tensor/tensor.h"

namespace attend::op {

/// y = (x - mean) / sqrt(variance + epsilon) weight + bias, mean and variance those of one image and one of
/// `groups` groups of C / groups consecutive channels, over all pixels, the variance divided by their number
/// (Wu and He, "Group Normalization", 2018). With as many groups as channels it is instance normalisation
/// (Ulyanov et al., 2016).
///
/// x: [B, H, W, C], f32, bf16 or f64, and so is y. weight, bias: [C], f32 (f64 beside f64 x), or undefined.
/// Same bits for any number of threads. Throws Error when shapes or dtypes do not fit, groups does not divide
/// C, or epsilon is negative.
Tensor group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups,
                  double epsilon = 1e-5);

}  // namespace attend::op
