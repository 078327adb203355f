#pragma once

#include <memory>
#include <vector>

#include "attend/model/image_generation_config.h"
#include "attend/nn/feature_attention.h"
#include "attend/nn/module.h"
#include "attend/nn/run.h"
#include "attend/nn/spectral_norm.h"

namespace attend::model {

/// Tells pictures of a data set from those that a generator made. The convolutions of Miyato et al.
/// ("Spectral Normalization for Generative Adversarial Networks", 2018, table 3) with ReLU: one of 3 x 3 over
/// the picture; then for each stage one of 4 x 4 to half of the height and width, rounded down, and twice the
/// channels, and one of 3 x 3; attention after the last of one stage. Then, with the sum h of the last maps
/// over their places, the projection discriminator of Miyato and Koyama ("cGANs with Projection
/// Discriminator", 2018),
///
///     score = w h + b + <embedding of the class, h>            (without the last term unless conditional)
///
/// All weights but the attention's are divided by their largest singular value (nn::SpectralNorm).
class ImageDiscriminator : public nn::Module {
 public:
  ImageDiscriminator(const ImageGenerationConfig& config, Generator& random);

  /// pictures [batch, height, width, channels], f32, and classes, i32 or i64 [batch], to scores [batch],
  /// higher for pictures that look like those of the data set. Throws Error for shapes that do not fit.
  Tensor forward(const Tensor& pictures, const Tensor& classes, const nn::Run& run = {}) const;

 private:
  struct Layer {
    std::unique_ptr<nn::SpectralNorm> weight;
    Tensor bias;
  };

  ImageGenerationConfig config_;
  std::vector<Layer> layers_;
  std::unique_ptr<nn::FeatureAttention> attention_;
  std::unique_ptr<nn::SpectralNorm> head_, class_embedding_;
  Tensor head_bias_;
};

}  // namespace attend::model
