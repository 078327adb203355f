#pragma once

#include <memory>

#include "attend/nn/feature_attention.h"

/// The kinds of nn::FeatureAttention that have a file of their own, and what all kinds share.
namespace attend::nn {

std::unique_ptr<FeatureAttention> make_window_attention(std::int64_t channels,
                                                        const FeatureAttentionOptions& options,
                                                        Generator& random);
std::unique_ptr<FeatureAttention> make_focal_modulation(std::int64_t channels, Generator& random);

/// Throws Error unless x is [batch, height, width, channels] and holds something.
void check_maps(const Tensor& x, std::int64_t channels);
/// Heads of about `head_channels` channels each, as many as divide the channels.
std::int64_t heads_for(std::int64_t channels, std::int64_t head_channels);

}  // namespace attend::nn
