#include "attend/nn/feature_norm.h"

#include <numeric>

#include "attend/nn/batch_norm.h"
#include "attend/nn/group_norm.h"

namespace attend::nn {

std::unique_ptr<FeatureNorm> make_feature_norm(std::int64_t channels, const FeatureNormOptions& options) {
  if (options.kind == FeatureNormKind::batch)
    return std::make_unique<BatchNorm>(channels, BatchNormOptions{.relu = options.relu});
  const std::int64_t groups = options.groups < 1 ? options.groups : std::gcd(options.groups, channels);
  return std::make_unique<GroupNorm>(channels, GroupNormOptions{.groups = groups, .relu = options.relu});
}

}  // namespace attend::nn
