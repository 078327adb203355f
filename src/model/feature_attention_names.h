#pragma once

#include "attend/nn/feature_attention.h"
#include "model/config_fields.h"

namespace attend::model {

/// What the key "block" of a network over feature maps accepts.
inline constexpr Choice<nn::FeatureAttentionKind, 7> kBlockNames{
    {{{nn::FeatureAttentionKind::none, "none"},
      {nn::FeatureAttentionKind::squeeze_excitation, "se"},
      {nn::FeatureAttentionKind::efficient_channel, "eca"},
      {nn::FeatureAttentionKind::cbam, "cbam"},
      {nn::FeatureAttentionKind::self, "self"},
      {nn::FeatureAttentionKind::windows, "windows"},
      {nn::FeatureAttentionKind::focal, "focal"}}}};

}  // namespace attend::model
