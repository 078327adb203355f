#pragma once

#include "attend/nn/feature_norm.h"
#include "attend/op/batch_norm.h"

namespace attend::nn {

struct BatchNormOptions {
  double epsilon = 1e-5;
  /// The part of a new batch in the running statistics.
  double momentum = 0.1;
  bool relu = false;  ///< max(0, y) instead of y
};

/// op::batch_norm with weight (ones) and bias (zeros) [channels], and the buffers "running_mean" and
/// "running_variance": training normalises by the batch and moves them towards its statistics (the variance
/// divided by one less than the values, as PyTorch does), anything else normalises by them.
class BatchNorm : public FeatureNorm {
 public:
  /// Throws Error for less than one channel and a momentum outside [0, 1].
  explicit BatchNorm(std::int64_t channels, const BatchNormOptions& options = {});

  /// x [..., channels] to the same shape.
  Tensor forward(const Tensor& x, const Run& run) const override;

 private:
  BatchNormOptions options_;
  Tensor weight_, bias_, running_mean_, running_variance_;
};

}  // namespace attend::nn
