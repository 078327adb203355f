#pragma once

#include "attend/tensor/tensor.h"

namespace attend::op {

struct BatchNormOptions {
  double epsilon = 1e-5;
  /// Let the result be max(0, y), without a pass of its own.
  bool relu = false;
};

/// What feature maps are normalised by: of each channel, f32 (f64 beside f64).
struct ChannelStatistics {
  Tensor mean, variance;  ///< [channels]; the variance divided by the number of values
};

struct BatchNorm {
  Tensor y;
  ChannelStatistics statistics;  ///< of this batch, off the tape
};

/// y = (x - mean) / sqrt(variance + epsilon) weight + bias, mean and variance of each channel over all other
/// axes (Ioffe and Szegedy, "Batch Normalization", 2015).
///
/// x: [..., channels], f32, bf16 or f64, and so is y. weight, bias: [channels], f32 (f64 beside f64 x). The
/// same bits for any number of threads. Throws Error when shapes or dtypes do not fit, epsilon is negative or
/// there are no values.
BatchNorm batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const BatchNormOptions& options = {});

/// The same with mean and variance that are given, and get no gradient.
Tensor batch_norm_by(const ChannelStatistics& statistics, const Tensor& x, const Tensor& weight,
                     const Tensor& bias, const BatchNormOptions& options = {});

}  // namespace attend::op
