#pragma once

#include <memory>
#include <vector>

#include "attend/model/image_generation_config.h"
#include "attend/nn/batch_norm.h"
#include "attend/nn/conditional_batch_norm.h"
#include "attend/nn/convolution.h"
#include "attend/nn/embedding.h"
#include "attend/nn/feature_attention.h"
#include "attend/nn/linear.h"

namespace attend::model {

/// Makes pictures of latent vectors: the decoder of a variational autoencoder, the generator of a GAN.
///
///     x_0 = relu(norm(W [z, embedding of the class]))          maps of stage 0
///     x_s = relu(norm(conv(enlarge(x_(s - 1)))))               stages 1, 2 ...; attention after one of them
///     picture = tanh(conv(x_last))
///
/// with convolutions of 3 x 3 after enlarging to the nearest pixel (Odena et al., "Deconvolution and
/// Checkerboard Artifacts", 2016) and norms of batches, which are conditional where the pictures are; the
/// attention over places is SAGAN's (Zhang et al., "Self-Attention Generative Adversarial Networks", 2019).
class ImageGenerator : public nn::Module {
 public:
  ImageGenerator(const ImageGenerationConfig& config, Generator& random);

  const ImageGenerationConfig& config() const { return config_; }

  /// latents f32 [batch, latent] and classes, i32 or i64 [batch] (not looked at unless conditional), to
  /// pictures [batch, height, width, channels] from -1 to 1, f32 (f64 beside parameters in it). The observer
  /// is told of the attention as layer 0. In training, norms of batches update what they keep. Throws Error
  /// for shapes and classes that do not fit.
  Tensor forward(const Tensor& latents, const Tensor& classes, const nn::Run& run = {}) const;

 private:
  Tensor normalised(std::int64_t stage, const Tensor& x, const Tensor& classes, const nn::Run& run) const;

  ImageGenerationConfig config_;
  std::unique_ptr<nn::Embedding> class_embedding_;
  std::unique_ptr<nn::Linear> input_;
  std::vector<std::unique_ptr<nn::BatchNorm>> norms_;
  std::vector<std::unique_ptr<nn::ConditionalBatchNorm>> conditional_norms_;
  std::vector<std::unique_ptr<nn::Convolution>> convolutions_;  // the last one makes the picture
  std::unique_ptr<nn::FeatureAttention> attention_;
};

/// Latent vectors [count, latent] from the standard normal distribution, times a temperature. Vector i is a
/// function of the seed and first + i alone.
Tensor latents_of(std::uint64_t seed, std::int64_t first, std::int64_t count, std::int64_t latent,
                  double temperature = 1);

}  // namespace attend::model
