#pragma once

#include "attend/nn/module.h"

namespace attend::nn {

struct GroupNormOptions {
  double epsilon = 1e-5;
};

/// op::group_norm with weight (ones) and bias (zeros) [channels].
class GroupNorm : public Module {
 public:
  /// Throws Error unless there is a channel, and the groups divide the channels.
  GroupNorm(std::int64_t groups, std::int64_t channels, const GroupNormOptions& options = {});

  /// x [batch, height, width, channels] to the same shape.
  Tensor forward(const Tensor& x) const;

 private:
  std::int64_t groups_;
  GroupNormOptions options_;
  Tensor weight_, bias_;
};

}  // namespace attend::nn
