#pragma once

#include <string_view>

#include "attend/tensor/tensor.h"

namespace attend::op {

/// The sizes of feature maps with channels last.
struct FeatureMaps {
  std::int64_t batch = 0, height = 0, width = 0, channels = 0;

  std::int64_t pixels() const { return height * width; }
  Shape shape() const { return {batch, height, width, channels}; }
};

/// The sizes of x. Throws Error that starts with `operation` unless x is [batch, height, width, channels] of
/// f32, bf16 or f64, all but the batch at least 1.
FeatureMaps checked_feature_maps(std::string_view operation, const Tensor& x);

}  // namespace attend::op
