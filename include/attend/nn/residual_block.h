#pragma once

#include <cstdint>
#include <memory>

#include "attend/base/random.h"
#include "attend/nn/convolution.h"
#include "attend/nn/feature_attention.h"
#include "attend/nn/feature_norm.h"
#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::nn {

struct ResidualBlockOptions {
  std::int64_t stride = 1;  ///< of the first convolution and of the shortcut
  FeatureNormKind norm = FeatureNormKind::batch;
  std::int64_t norm_groups = 8;  ///< FeatureNormOptions::groups
  FeatureAttentionKind attention = FeatureAttentionKind::none;
  FeatureAttentionOptions attention_options = {};
};

/// A residual block with norms before the convolutions (He et al., "Identity Mappings in Deep Residual
/// Networks", 2016):
///
///     y = shortcut(x) + attention(conv2(norm2(conv1(norm1(x)))))    norms with ReLU, convolutions 3 x 3
///
/// The shortcut is x, or a 1 x 1 convolution of norm1(x) where the number of channels or the size changes.
class ResidualBlock : public Module {
 public:
  /// Throws Error as Convolution, make_feature_norm and make_feature_attention do.
  ResidualBlock(std::int64_t in, std::int64_t out, const ResidualBlockOptions& options, Generator& random);

  /// x [batch, height, width, in] to [batch, height', width', out], sizes divided by the stride, rounded up.
  /// `layer` is what the observer of the attention is told.
  Tensor forward(const Tensor& x, const Run& run, std::int64_t layer) const;

 private:
  std::unique_ptr<FeatureNorm> norm1_, norm2_;
  Convolution conv1_, conv2_;
  std::unique_ptr<Convolution> shortcut_;
  std::unique_ptr<FeatureAttention> attention_;
};

}  // namespace attend::nn
