#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "attend/model/residual_cnn.h"
#include "attend/nn/feature_norm.h"
#include "attend/nn/module.h"

/// What a network whose first layers are those of a classifier takes from one.
namespace attend::model {

/// What such a network's own layers are.
struct TrunkShape {
  std::int64_t channels = 0, width = 0, blocks = 0;
  nn::FeatureAttentionKind block = nn::FeatureAttentionKind::none;
  nn::FeatureNormKind norm = nn::FeatureNormKind::group;
};

/// Throws Error naming what differs from the classifier's layers.
void check_trunk(const ResidualCnnConfig& classifier, const TrunkShape& own);

/// Copies each parameter and buffer of the classifier into the one that `own_name` gives for its name; those
/// for which the network has none are passed over.
void copy_trunk(const ResidualCnn& classifier, const nn::Module& network,
                const std::function<std::string(std::string_view)>& own_name);

}  // namespace attend::model
