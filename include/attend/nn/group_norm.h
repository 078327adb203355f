#pragma once

#include "attend/nn/feature_norm.h"

namespace attend::nn {

struct GroupNormOptions {
  std::int64_t groups = 8;
  double epsilon = 1e-5;
  bool relu = false;  ///< max(0, y) instead of y
};

/// op::group_norm with weight (ones) and bias (zeros) [channels]. It looks at one picture at a time, so that
/// it does the same in batches of any size, in training and after it.
class GroupNorm : public FeatureNorm {
 public:
  /// Throws Error unless groups are at least 1 and divide the channels.
  explicit GroupNorm(std::int64_t channels, const GroupNormOptions& options = {});

  /// x [batch, height, width, channels] to the same shape.
  Tensor forward(const Tensor& x) const;
  Tensor forward(const Tensor& x, const Run& run) const override;

 private:
  GroupNormOptions options_;
  Tensor weight_, bias_;
};

}  // namespace attend::nn
