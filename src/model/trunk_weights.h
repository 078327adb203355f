#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>

#include "attend/base/error.h"
#include "attend/model/residual_cnn.h"
#include "attend/nn/feature_norm.h"
#include "attend/nn/module.h"

/// What a network that has layers of a classifier takes from one.
namespace attend::model {

/// Throws Error unless both are the same.
template <class Value>
void check_same(std::string_view key, const Value& own, const Value& found) {
  if (own != found)
    throw Error(fmt::format("{} {}: the classifier to start from has {}, and what starts from it keeps it",
                            key, own, found));
}

/// What such a network's own layers are.
struct TrunkShape {
  std::int64_t channels = 0, width = 0, blocks = 0;
  nn::FeatureAttentionKind block = nn::FeatureAttentionKind::none;
  nn::FeatureNormKind norm = nn::FeatureNormKind::group;
};

/// Throws Error naming what differs from the classifier's layers.
void check_trunk(const ResidualCnnConfig& classifier, const TrunkShape& own);

/// Copies each parameter and buffer of one network into that of the other which `own_name` gives for its
/// name; those for which there is none are passed over.
void copy_weights(const nn::Module& from, const nn::Module& to,
                  const std::function<std::string(std::string_view)>& own_name);

}  // namespace attend::model
