#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "attend/base/random.h"
#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::nn {

/// Attention over feature maps x [batch, height, width, channels], s the logistic function.
enum class FeatureAttentionKind : std::uint8_t {
  none,
  /// Hu et al., "Squeeze-and-Excitation Networks", 2018: x s(W2 relu(W1 m + b1) + b2), m the mean of each
  /// channel over its places; W1 [channels / reduction, channels].
  squeeze_excitation,
  /// Wang et al., "ECA-Net: Efficient Channel Attention", 2020: x s(m convolved along the channels by a
  /// kernel of odd width |log2(channels) + 1| / 2).
  efficient_channel,
  /// Woo et al., "CBAM: Convolutional Block Attention Module", 2018: channels are weighed by s(f(mean) +
  /// f(largest)), f the two layers of squeeze-and-excitation; then places by s of a 7 x 7 convolution of the
  /// mean and the largest over the channels.
  cbam,
  /// x + the self-attention of all places with several heads (Wang et al., "Non-local Neural Networks", 2018;
  /// Zhang et al., "SAGAN", 2019). The last projection starts at zero: the block begins as the identity.
  self,
  /// x + the self-attention of the places of each window of window x window, with a learned bias for each
  /// distance of rows and columns; with `shifted`, windows begin half of one further up and left (Liu et al.,
  /// "Swin Transformer", 2021; windows that reach over the edge take the place of its cyclic shift). Begins
  /// as the identity, like self.
  windows,
  /// Yang et al., "Focal Modulation Networks", 2022: x + W_o (q m), m = W_m (g1 c1 + g2 c2 + g3 c3), where q,
  /// c0 and the gates g are linear in x, c1 = gelu(3 x 3 of c0) and c2 = gelu(5 x 5 of c1) by channel, and c3
  /// = gelu(the mean of c2 over its places). Begins as the identity, like self.
  focal,
};

/// "none", "se", "eca", "cbam", "self", "windows", "focal".
std::string_view name_of(FeatureAttentionKind kind);
/// The inverse of name_of. Throws Error naming the accepted names.
FeatureAttentionKind feature_attention_from_name(std::string_view name);

struct FeatureAttentionOptions {
  std::int64_t reduction = 8;       ///< se and cbam: inner features are channels / reduction, at least 4
  std::int64_t head_channels = 16;  ///< self, windows: channels of a head; one head where there are fewer
  std::int64_t window = 7;          ///< windows: rows and columns of one
  bool shifted = false;             ///< windows: as every other layer should be
};

/// A layer that weighs channels or places by what the maps hold.
class FeatureAttention : public Module {
 public:
  /// x [batch, height, width, channels] to the same shape. `layer` is what the observer is told; it gets the
  /// gates of se, eca and cbam; of focal the norm of each place's m, in parts of the largest; and the weights
  /// of self and windows [batch, heads, places, places]. Throws Error for x of another shape or without
  /// values.
  virtual Tensor forward(const Tensor& x, const Run& run, std::int64_t layer) const = 0;
};

/// Null for `none`. Throws Error for less than one channel.
std::unique_ptr<FeatureAttention> make_feature_attention(FeatureAttentionKind kind, std::int64_t channels,
                                                         const FeatureAttentionOptions& options,
                                                         Generator& random);

}  // namespace attend::nn
