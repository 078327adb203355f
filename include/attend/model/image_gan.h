#pragma once

#include "attend/model/image_discriminator.h"
#include "attend/model/image_generation_model.h"

namespace attend::model {

/// A generative adversarial network (Goodfellow et al., 2014) of an ImageGenerator and an
/// ImageDiscriminator, which learn in turn from hinge losses (Lim and Ye, "Geometric GAN", 2017; Miyato et
/// al., 2018).
class ImageGan : public ImageGenerationModel {
 public:
  explicit ImageGan(const ImageGenerationConfig& config, std::uint64_t seed = 0);

  const ImageGenerator& generator() const override { return generator_; }
  const ImageDiscriminator& discriminator() const { return discriminator_; }

  /// mean of max(0, 1 - D(pictures)) + mean of max(0, 1 + D(G(latents))), for the discriminator to learn
  /// from: no gradient reaches the generator. pictures [batch, height, width, channels] from -1 to 1, classes
  /// [batch] of both, latents [batch, latent].
  Tensor discriminator_loss(const Tensor& pictures, const Tensor& classes, const Tensor& latents,
                            const nn::Run& run = {}) const;

  /// -mean of D(G(latents)), for the generator to learn from: no gradient reaches the discriminator's
  /// parameters.
  Tensor generator_loss(const Tensor& classes, const Tensor& latents, const nn::Run& run = {}) const;

 private:
  ImageGan(const ImageGenerationConfig& config, Generator random);

  ImageGenerator generator_;
  ImageDiscriminator discriminator_;
};

}  // namespace attend::model
