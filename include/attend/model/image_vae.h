#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "attend/model/image_generation_model.h"
#include "attend/model/latent_prior.h"

namespace attend::model {

/// A variational autoencoder of pictures (Kingma and Welling, "Auto-Encoding Variational Bayes", 2014),
/// conditional on their classes by option (Sohn et al., "Learning Structured Output Representation using Deep
/// Conditional Generative Models", 2015). The encoder (convolutions of 3 x 3 with norms of batches and ReLU,
/// each but the first at half the size of the one before; then a linear layer that reads the embedding of the
/// class beside the maps) tells mean and log-variance of the latent vector; the decoder is an ImageGenerator.
class ImageVae : public ImageGenerationModel {
 public:
  explicit ImageVae(const ImageGenerationConfig& config, std::uint64_t seed = 0);

  const ImageGenerator& generator() const override { return decoder_; }
  /// LatentPrior::latents() where the configuration has a fitted prior; without classes, all are of one.
  Tensor latents(const Tensor& noise, const Tensor& classes) const override;

  struct Posterior {
    Tensor mean, log_variance;  ///< [batch, latent], f32 (f64 beside parameters in it)
  };
  /// Of pictures [batch, height, width, channels] from -1 to 1 and classes [batch] (not looked at unless
  /// conditional). Throws Error for shapes and classes that do not fit.
  Posterior encode(const Tensor& pictures, const Tensor& classes, const nn::Run& run = {}) const;

  struct Loss {
    /// reconstruction + kl_weight divergence, each the mean over the batch.
    Tensor total;
    /// The sum over a picture of (picture - decoded)^2: up to a constant, -log p(picture | z) of a normal
    /// distribution with variance 1/2.
    Tensor reconstruction;
    /// KL(q(z | picture) || N(0, 1)) = 1/2 sum of (mean^2 + variance - 1 - log variance), in nats.
    Tensor divergence;
    /// The pictures that the decoder makes of the latent vectors, from -1 to 1.
    Tensor decoded;
  };
  /// The negative evidence lower bound, with one latent vector mean + deviation noise of each picture.
  /// noise: [batch, latent], from the standard normal distribution.
  Loss loss(const Tensor& pictures, const Tensor& classes, const Tensor& noise,
            const nn::Run& run = {}) const;

  using Batch = std::pair<Tensor, Tensor>;  ///< pictures, and their classes
  /// Fits LatentPrior to what encode() says of the pictures in batch(0), batch(1) ... batch(batches - 1).
  /// Does nothing where the configuration has a standard prior.
  void fit_prior(const std::function<Batch(std::int64_t)>& batch, std::int64_t batches,
                 const nn::Run& run = {});

 private:
  ImageVae(const ImageGenerationConfig& config, Generator random);
  Tensor prior_classes(const Tensor& classes, std::int64_t batch) const;

  ImageGenerationConfig config_;
  std::vector<std::unique_ptr<nn::Convolution>> convolutions_;
  std::vector<std::unique_ptr<nn::BatchNorm>> norms_;
  std::unique_ptr<nn::Embedding> class_embedding_;
  std::unique_ptr<nn::Linear> posterior_;
  ImageGenerator decoder_;
  std::unique_ptr<LatentPrior> prior_;
};

}  // namespace attend::model
