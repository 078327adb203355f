#include "attend/model/vision_transformer.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/attention/mechanism.h"
#include "attend/base/error.h"
#include "attend/nn/initialise.h"
#include "attend/nn/plane_positions.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/dropout.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "model/config_json.h"

namespace attend::model {

namespace {

inline constexpr Choice<PatchPooling, 2> kPoolingNames{
    {{{PatchPooling::token, "token"}, {PatchPooling::mean, "mean"}}}};
inline constexpr Choice<PatchStem, 2> kStemNames{
    {{{PatchStem::linear, "linear"}, {PatchStem::convolutions, "convolutions"}}}};
inline constexpr Choice<PatchPositions, 2> kPatchPositionNames{
    {{{PatchPositions::learned, "learned"}, {PatchPositions::sinusoidal, "sinusoidal"}}}};

constexpr double kStd = 0.02;

nn::TransformerBlockOptions block_options(const VisionTransformerConfig& config) {
  const double branches = 2 * static_cast<double>(config.layers), dim = static_cast<double>(config.dim);
  const double inner = static_cast<double>(
      nn::feed_forward_inner(config.dim, config.feed_forward, nn::HiddenActivation::gelu));
  nn::TransformerBlockOptions options;
  options.attention.heads = config.heads;
  AttentionSpec& attention = options.attention.attention;
  attention = attention::mechanism(config.attention, false);
  // Methods that never make the weights cannot drop any.
  if (attention.gather.kind == attend::attention::Gather::Kind::weighted_sum)
    attention.weigh.dropout = config.dropout;
  options.attention.longest = config.patches() + 2;
  options.attention.initialisation_std = 1 / std::sqrt(dim);
  options.attention.output_std = 1 / std::sqrt(dim * branches);
  options.feed_forward = {.inner = config.feed_forward,
                          .activation = nn::HiddenActivation::gelu,
                          .initialisation_std = 1 / std::sqrt(dim),
                          .output_std = 1 / std::sqrt(inner * branches)};
  options.norm_options = {.epsilon = 1e-6};
  options.dropout = config.dropout;
  return options;
}

}  // namespace

template <class Config, class Visit>
requires std::same_as<std::remove_const_t<Config>, VisionTransformerConfig>
void for_each_field(Config& config, Visit&& visit) {
  visit("height", config.height, IntegerRange{1, 1 << 16});
  visit("width", config.width, IntegerRange{1, 1 << 16});
  visit("channels", config.channels, IntegerRange{1, 1024});
  visit("classes", config.classes, IntegerRange{1, 1 << 20});
  visit("patch", config.patch, IntegerRange{1, 1 << 12});
  visit("stem", config.stem, kStemNames);
  visit("layers", config.layers, IntegerRange{1, 10000});
  visit("heads", config.heads, IntegerRange{1, 65536});
  visit("dim", config.dim, IntegerRange{1, 1 << 20});
  visit("feed_forward", config.feed_forward, IntegerRange{0, 1 << 24});
  visit("pooling", config.pooling, kPoolingNames);
  visit("positions", config.positions, kPatchPositionNames);
  visit("attention", config.attention, kEncoderMechanism);
  visit("distillation", config.distillation, Truth{});
  visit("dropout", config.dropout, NumberRange{0, 1});
}

void validate(const VisionTransformerConfig& config) {
  for_each_field(config, [](const char* key, auto value, const auto& range) { range.check(key, value); });
  if (config.height % config.patch != 0 || config.width % config.patch != 0)
    throw Error(fmt::format("patch {} does not divide pictures of {} x {}", config.patch, config.height,
                            config.width));
  check({.dim = config.dim, .heads = config.heads, .key_heads = 0, .positions = Positions::learned});
  if (config.stem == PatchStem::convolutions) nn::ConvolutionStem::check(config.dim, config.patch);
  if (config.positions == PatchPositions::sinusoidal && config.dim % 4 != 0)
    throw Error(fmt::format("dim {}: a multiple of 4 needed for sinusoidal positions", config.dim));
}

std::string to_json(const VisionTransformerConfig& config) {
  return json_of_config(config);
}

VisionTransformerConfig vision_transformer_config_from_json(std::string_view text, std::string_view source) {
  return config_from_json<VisionTransformerConfig>(text, source);
}

VisionTransformer::VisionTransformer(const VisionTransformerConfig& config, std::uint64_t seed)
    : config_(config) {
  validate(config);
  Generator random(seed);
  if (config.stem == PatchStem::linear) {
    patch_embedding_ = std::make_unique<nn::Convolution>(
        config.channels, config.dim,
        nn::ConvolutionOptions{.kernel = config.patch, .geometry = {.stride = config.patch}}, random);
    add_child("patch_embedding", *patch_embedding_);
  } else {
    stem_ = std::make_unique<nn::ConvolutionStem>(config.channels, config.dim, config.patch, random);
    add_child("stem", *stem_);
  }
  if (config.pooling == PatchPooling::token) {
    class_token_ = nn::normal({1, 1, config.dim}, kStd, random.next());
    add_parameter("class_token", class_token_, false);
  }
  if (config.distillation) {
    distillation_token_ = nn::normal({1, 1, config.dim}, kStd, random.next());
    add_parameter("distillation_token", distillation_token_, false);
  }
  if (config.positions == PatchPositions::learned) {
    position_embedding_ = nn::normal({config.patches(), config.dim}, kStd, random.next());
    add_parameter("position_embedding", position_embedding_, false);
  } else {
    sinusoids_ =
        nn::sinusoidal_plane_positions(config.height / config.patch, config.width / config.patch, config.dim);
  }
  const nn::TransformerBlockOptions options = block_options(config);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    blocks_.push_back(std::make_unique<nn::TransformerBlock>(config.dim, options, random));
    add_child(fmt::format("blocks.{}", i), *blocks_.back());
  }
  norm_ = nn::make_norm(options.norm, config.dim, options.norm_options);
  add_child("norm", *norm_);
  head_ = std::make_unique<nn::Linear>(config.dim, config.classes, nn::LinearOptions{}, random);
  add_child("head", *head_);
  if (config.distillation) {
    distillation_head_ =
        std::make_unique<nn::Linear>(config.dim, config.classes, nn::LinearOptions{}, random);
    add_child("distillation_head", *distillation_head_);
  }
}

std::int64_t VisionTransformer::tokens_in_front() const {
  return (class_token_.defined() ? 1 : 0) + (distillation_token_.defined() ? 1 : 0);
}

Tensor VisionTransformer::with_tokens_in_front(const Tensor& patches) const {
  autograd::Tensors parts;
  for (const Tensor& token : {class_token_, distillation_token_})
    if (token.defined())
      parts.push_back(op::expand(op::cast(token, patches.dtype()), {patches.dim(0), 1, config_.dim}));
  if (parts.empty()) return patches;
  parts.push_back(patches);
  return op::concatenate(parts, 1);
}

Tensor VisionTransformer::patch_features(const Tensor& pictures, const nn::Run& run) const {
  const Tensor map = stem_ == nullptr ? patch_embedding_->forward(pictures) : stem_->forward(pictures, run);
  return op::reshape(map, {pictures.dim(0), config_.patches(), config_.dim});
}

Tensor VisionTransformer::logits(const Tensor& pictures, const nn::Run& run) const {
  const VisionTransformerLogits heads = logits_of_heads(pictures, run);
  if (!heads.distillation.defined()) return heads.labels;
  return op::scale(op::add(heads.labels, heads.distillation), 0.5);
}

VisionTransformerLogits VisionTransformer::logits_of_heads(const Tensor& pictures, const nn::Run& run) const {
  if (!pictures.defined() || !is_floating(pictures.dtype()) || pictures.rank() != 4 || pictures.dim(0) < 1 ||
      pictures.dim(1) != config_.height || pictures.dim(2) != config_.width ||
      pictures.dim(3) != config_.channels)
    throw Error(fmt::format("pictures {}: f32 [batch, {}, {}, {}] needed",
                            pictures.defined() ? pictures.text() : "undefined", config_.height, config_.width,
                            config_.channels));
  const DType weights = head_->weight().dtype(), compute = weights == DType::f32 ? run.compute : weights;
  const std::int64_t batch = pictures.dim(0), dim = config_.dim;
  const Tensor patches = patch_features(op::cast(pictures, compute), run);
  const Tensor& positions = position_embedding_.defined() ? position_embedding_ : sinusoids_;
  Tensor tokens = op::add(patches, op::cast(positions, compute));
  tokens = with_tokens_in_front(tokens);
  if (run.training && config_.dropout > 0)
    tokens = op::dropout(tokens, config_.dropout, nn::dropout_stream(run, config_.dropout));
  nn::Residual x{tokens, {}};
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const auto call = blocks_[i]->call(run, static_cast<std::int64_t>(i));
    x = run.recompute_blocks ? blocks_[i]->forward_recomputed(x, call)
                             : blocks_[i]->forward(std::move(x), call);
  }
  const Tensor features = norm_->forward(x);
  const auto token = [&](std::int64_t place) {
    return op::reshape(op::slice(features, 1, place, place + 1), {batch, dim});
  };
  const std::int64_t front = tokens_in_front();
  VisionTransformerLogits result;
  if (config_.pooling == PatchPooling::token)
    result.labels = head_->forward(token(0));
  else
    result.labels = head_->forward(op::mean(
        front == 0 ? features : op::slice(features, 1, front, front + config_.patches()), {.axes = {1}}));
  if (distillation_head_) result.distillation = distillation_head_->forward(token(front - 1));
  return result;
}

std::int64_t VisionTransformer::matmul_parameters() const {
  std::int64_t count = stem_ == nullptr ? config_.patch * config_.patch * config_.channels * config_.dim : 0;
  for (const auto& block : blocks_)
    for (const auto& parameter : block->parameters())
      if (parameter.tensor.rank() == 2) count += parameter.tensor.elements();
  return count;
}

double VisionTransformer::training_flops() const {
  const double length = static_cast<double>(config_.patches() + tokens_in_front());
  const double transformer =
      length * (6.0 * static_cast<double>(matmul_parameters()) +
                12.0 * static_cast<double>(config_.layers) * static_cast<double>(config_.dim) * length);
  return stem_ == nullptr ? transformer : transformer + 3 * stem_->flops(config_.height, config_.width);
}

}  // namespace attend::model
