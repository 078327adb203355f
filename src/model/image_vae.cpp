#include "attend/model/image_vae.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/unary.h"
#include "model/image_generation_checks.h"

namespace attend::model {

ImageVae::ImageVae(const ImageGenerationConfig& config, std::uint64_t seed)
    : ImageVae(config, Generator(seed)) {}

ImageVae::ImageVae(const ImageGenerationConfig& config, Generator random)
    : config_(config), decoder_(config, random) {
  std::int64_t channels = config.channels;
  for (std::int64_t i = 0; i <= config.stages; ++i) {
    const std::int64_t out = config.channels_of(config.stages - i);
    add_child(fmt::format("encoder.convolutions.{}", i),
              *convolutions_.emplace_back(std::make_unique<nn::Convolution>(
                  channels, out,
                  nn::ConvolutionOptions{
                      .kernel = 3, .geometry = {.stride = i == 0 ? 1 : 2, .padding = 1}, .bias = false},
                  random)));
    add_child(fmt::format("encoder.norms.{}", i),
              *norms_.emplace_back(std::make_unique<nn::BatchNorm>(out, nn::BatchNormOptions{.relu = true})));
    channels = out;
  }
  const op::Size2 smallest = config.size_of(0);
  std::int64_t inputs = smallest.height * smallest.width * channels;
  if (config.conditional) {
    class_embedding_ = std::make_unique<nn::Embedding>(config.classes, config.latent,
                                                       nn::EmbeddingOptions{.initialisation_std = 1}, random);
    add_child("encoder.class_embedding", *class_embedding_);
    inputs += config.latent;
  }
  // Small: the posterior starts near the prior.
  posterior_ = std::make_unique<nn::Linear>(inputs, 2 * config.latent,
                                            nn::LinearOptions{.initialisation_std = 0.01}, random);
  add_child("encoder.posterior", *posterior_);
  add_child("decoder", decoder_);
  if (config.prior == LatentPriorKind::fitted) {
    prior_ = std::make_unique<LatentPrior>(config.conditional ? config.classes : 1, config.latent);
    add_child("prior", *prior_);
  }
}

ImageVae::Posterior ImageVae::encode(const Tensor& pictures, const Tensor& classes,
                                     const nn::Run& run) const {
  check_pictures(pictures, config_);
  if (config_.conditional) check_classes(classes, pictures.dim(0));
  const DType own = posterior_->weight().dtype(), compute = own == DType::f32 ? run.compute : own;
  Tensor x = op::cast(pictures, compute);
  for (std::size_t i = 0; i < convolutions_.size(); ++i)
    x = norms_[i]->forward(convolutions_[i]->forward(x), run);
  x = op::reshape(x, {x.dim(0), x.elements() / x.dim(0)});
  if (config_.conditional) x = op::concatenate({x, class_embedding_->forward(classes, compute)}, 1);
  const Tensor both = op::cast(posterior_->forward(x), own == DType::f64 ? own : DType::f32);
  return {.mean = op::slice(both, 1, 0, config_.latent),
          .log_variance = op::slice(both, 1, config_.latent, 2 * config_.latent)};
}

ImageVae::Loss ImageVae::loss(const Tensor& pictures, const Tensor& classes, const Tensor& noise,
                              const nn::Run& run) const {
  const Posterior posterior = encode(pictures, classes, run);
  const Tensor deviation = op::exp(op::scale(posterior.log_variance, 0.5));
  const Tensor latents = op::add(posterior.mean, op::multiply(deviation, op::cast(noise, deviation.dtype())));
  const double each = 1 / static_cast<double>(pictures.dim(0));
  Loss loss;
  loss.decoded = decoder_.forward(latents, classes, run);
  loss.reconstruction = op::scale(
      op::sum(op::square(op::subtract(op::cast(pictures, loss.decoded.dtype()), loss.decoded))), each);
  const Tensor terms = op::subtract(op::add(op::square(posterior.mean), op::exp(posterior.log_variance)),
                                    op::add_scalar(posterior.log_variance, 1));
  loss.divergence = op::scale(op::sum(terms), 0.5 * each);
  loss.total = op::add(loss.reconstruction, op::scale(loss.divergence, config_.kl_weight));
  return loss;
}

Tensor ImageVae::prior_classes(const Tensor& classes, std::int64_t batch) const {
  return config_.conditional ? classes : Tensor::zeros({batch}, DType::i64);
}

Tensor ImageVae::latents(const Tensor& noise, const Tensor& classes) const {
  if (prior_ == nullptr) return noise;
  return prior_->latents(noise, prior_classes(classes, noise.dim(0)));
}

void ImageVae::fit_prior(const std::function<Batch(std::int64_t)>& batch, std::int64_t batches,
                         const nn::Run& run) {
  if (prior_ == nullptr) return;
  const autograd::NoGrad no_grad;
  LatentMoments moments(config_.conditional ? config_.classes : 1, config_.latent);
  for (std::int64_t i = 0; i < batches; ++i) {
    const auto [pictures, classes] = batch(i);
    const Posterior posterior = encode(pictures, classes, run);
    moments.add(posterior.mean, posterior.log_variance, prior_classes(classes, pictures.dim(0)));
  }
  prior_->fit(moments);
}

}  // namespace attend::model
