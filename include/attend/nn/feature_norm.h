#pragma once

#include <cstdint>
#include <memory>

#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::nn {

enum class FeatureNormKind : std::uint8_t {
  batch,  ///< BatchNorm
  group,  ///< GroupNorm: the same whatever else is in the batch
};

/// A norm of feature maps.
class FeatureNorm : public Module {
 public:
  /// x [batch, height, width, channels] to the same shape.
  virtual Tensor forward(const Tensor& x, const Run& run) const = 0;
};

struct FeatureNormOptions {
  FeatureNormKind kind = FeatureNormKind::batch;
  std::int64_t groups =
      8;              ///< group: at most so many, the greatest divisor of this that divides the channels
  bool relu = false;  ///< max(0, y) instead of y
};

/// Throws Error for less than one channel or group.
std::unique_ptr<FeatureNorm> make_feature_norm(std::int64_t channels, const FeatureNormOptions& options = {});

}  // namespace attend::nn
