#include "attend/model/image_generator.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/base/error.h"
#include "attend/nn/initialise.h"
#include "attend/op/activation.h"
#include "attend/op/cast.h"
#include "attend/op/resize.h"
#include "attend/op/shape.h"
#include "model/image_generation_checks.h"

namespace attend::model {

namespace {

constexpr std::uint64_t kLatentSeed = 0x6c6174656e7473ull;

}  // namespace

ImageGenerator::ImageGenerator(const ImageGenerationConfig& config, Generator& random) : config_(config) {
  validate(config);
  std::int64_t inputs = config.latent;
  if (config.conditional) {
    class_embedding_ = std::make_unique<nn::Embedding>(config.classes, config.latent,
                                                       nn::EmbeddingOptions{.initialisation_std = 1}, random);
    add_child("class_embedding", *class_embedding_);
    inputs += config.latent;
  }
  const op::Size2 smallest = config.size_of(0);
  input_ = std::make_unique<nn::Linear>(
      inputs, smallest.height * smallest.width * config.channels_of(0),
      nn::LinearOptions{.initialisation_std = std::sqrt(1 / static_cast<double>(inputs))}, random);
  add_child("input", *input_);
  for (std::int64_t stage = 0; stage <= config.stages; ++stage) {
    const std::int64_t channels = config.channels_of(stage);
    const bool is_last = stage == config.stages;
    if (config.conditional)
      add_child(fmt::format("norms.{}", stage),
                *conditional_norms_.emplace_back(
                    std::make_unique<nn::ConditionalBatchNorm>(channels, config.classes, random)));
    else
      add_child(fmt::format("norms.{}", stage), *norms_.emplace_back(std::make_unique<nn::BatchNorm>(
                                                    channels, nn::BatchNormOptions{.relu = true})));
    add_child(fmt::format("convolutions.{}", stage),
              *convolutions_.emplace_back(std::make_unique<nn::Convolution>(
                  channels, is_last ? config.channels : config.channels_of(stage + 1),
                  nn::ConvolutionOptions{.kernel = 3, .geometry = {.padding = 1}, .bias = is_last}, random)));
  }
  attention_ =
      nn::make_feature_attention(config.block, config.channels_of(config.attention_stage), {}, random);
  if (attention_ != nullptr) add_child("attention", *attention_);
}

Tensor ImageGenerator::normalised(std::int64_t stage, const Tensor& x, const Tensor& classes,
                                  const nn::Run& run) const {
  const auto place = static_cast<std::size_t>(stage);
  const Tensor y = config_.conditional ? conditional_norms_[place]->forward(x, classes, run)
                                       : norms_[place]->forward(x, run);
  if (attention_ == nullptr || stage != config_.attention_stage) return y;
  return attention_->forward(y, run, 0);
}

Tensor ImageGenerator::forward(const Tensor& latents, const Tensor& classes, const nn::Run& run) const {
  if (!latents.defined() || !is_floating(latents.dtype()) || latents.rank() != 2 ||
      latents.dim(1) != config_.latent || latents.elements() == 0)
    throw Error(fmt::format("latents {}: f32 [batch, {}] needed",
                            latents.defined() ? latents.text() : "undefined", config_.latent));
  if (config_.conditional) check_classes(classes, latents.dim(0));
  const DType own = input_->weight().dtype(), compute = own == DType::f32 ? run.compute : own;
  Tensor x = op::cast(latents, compute);
  if (config_.conditional) x = op::concatenate({x, class_embedding_->forward(classes, compute)}, 1);
  const op::Size2 smallest = config_.size_of(0);
  x = op::reshape(input_->forward(x),
                  {latents.dim(0), smallest.height, smallest.width, config_.channels_of(0)});
  x = normalised(0, x, classes, run);
  for (std::int64_t stage = 1; stage <= config_.stages; ++stage) {
    const op::Size2 size = config_.size_of(stage);
    x = op::resize(x, size.height, size.width, {.mode = op::Interpolation::nearest});
    x = convolutions_[static_cast<std::size_t>(stage - 1)]->forward(x);
    x = normalised(stage, x, classes, run);
  }
  x = convolutions_.back()->forward(x);
  return op::activate(op::cast(x, own == DType::f64 ? own : DType::f32), Activation::tanh);
}

Tensor latents_of(std::uint64_t seed, std::int64_t first, std::int64_t count, std::int64_t latent,
                  double temperature) {
  const Tensor result = Tensor::empty({count, latent});
  for (std::int64_t i = 0; i < count; ++i)
    result.view_as({latent}, {1}, i * latent)
        .copy_from(nn::normal({latent}, temperature,
                              {.seed = seed ^ kLatentSeed, .stream = static_cast<std::uint64_t>(first + i)}));
  return result;
}

}  // namespace attend::model
