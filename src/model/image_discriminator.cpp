#include "attend/model/image_discriminator.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/op/activation.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/convolution.h"
#include "attend/op/embedding.h"
#include "attend/op/linear.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "model/image_generation_checks.h"

namespace attend::model {

namespace {

// Every second layer. Its kernel is a multiple of its stride, so that every place of the maps before it is
// seen by equally many and the generator's gradient has no checkerboard (Odena et al., 2016).
bool halves(std::size_t layer) {
  return layer % 2 == 1;
}

}  // namespace

ImageDiscriminator::ImageDiscriminator(const ImageGenerationConfig& config, Generator& random)
    : config_(config) {
  validate(config);
  // What is named as a parameter must stay where it is.
  layers_.resize(2 * static_cast<std::size_t>(config.stages) + 1);
  std::int64_t channels = config.channels;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::int64_t out = config.discriminator_base_channels << ((i + 1) / 2), kernel = halves(i) ? 4 : 3;
    Layer& layer = layers_[i];
    layer.weight = std::make_unique<nn::SpectralNorm>(
        Shape{out, channels, kernel, kernel}, std::sqrt(2 / static_cast<double>(kernel * kernel * channels)),
        random);
    layer.bias = Tensor::zeros({out});
    add_child(fmt::format("convolutions.{}", i), *layer.weight);
    add_parameter(fmt::format("convolutions.{}.bias", i), layer.bias, false);
    channels = out;
  }
  attention_ = nn::make_feature_attention(
      config.block, config.discriminator_base_channels << (config.stages - config.attention_stage), {},
      random);
  if (attention_ != nullptr) add_child("attention", *attention_);
  const double deviation = std::sqrt(1 / static_cast<double>(channels));
  head_ = std::make_unique<nn::SpectralNorm>(Shape{1, channels}, deviation, random);
  head_bias_ = Tensor::zeros({1});
  add_child("head", *head_);
  add_parameter("head.bias", head_bias_, false);
  if (!config.conditional) return;
  class_embedding_ = std::make_unique<nn::SpectralNorm>(Shape{config.classes, channels}, deviation, random);
  add_child("class_embedding", *class_embedding_);
}

Tensor ImageDiscriminator::forward(const Tensor& pictures, const Tensor& classes, const nn::Run& run) const {
  check_pictures(pictures, config_);
  if (config_.conditional) check_classes(classes, pictures.dim(0));
  const DType own = head_bias_.dtype();
  Tensor x = op::cast(pictures, own == DType::f32 ? run.compute : own);
  const auto attended = 2 * static_cast<std::size_t>(config_.stages - config_.attention_stage);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    x = op::convolution(x, layer.weight->value(run), layer.bias, {.stride = halves(i) ? 2 : 1, .padding = 1});
    x = op::activate(x, Activation::relu);
    if (attention_ != nullptr && i == attended) x = attention_->forward(x, run, 0);
  }
  const Tensor features = op::sum(op::cast(x, own), {.axes = {1, 2}});
  const Tensor score = op::reshape(op::linear(features, head_->value(run), head_bias_), {pictures.dim(0)});
  if (!config_.conditional) return score;
  const Tensor of_class = op::embedding(class_embedding_->value(run), classes);
  return op::add(score, op::sum(op::multiply(of_class, features), {.axes = {1}}));
}

}  // namespace attend::model
