#include "attend/model/residual_cnn.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/cast.h"
#include "attend/op/dropout.h"
#include "attend/op/reduce.h"
#include "model/config_json.h"
#include "model/feature_attention_names.h"

namespace attend::model {

namespace {

std::int64_t stage_stride(std::int64_t stage, std::int64_t block) {
  return stage > 0 && block == 0 ? 2 : 1;
}

}  // namespace

template <class Config, class Visit>
requires std::same_as<std::remove_const_t<Config>, ResidualCnnConfig>
void for_each_field(Config& config, Visit&& visit) {
  visit("channels", config.channels, IntegerRange{1, 1024});
  visit("classes", config.classes, IntegerRange{1, 1 << 20});
  visit("width", config.width, IntegerRange{1, 4096});
  visit("stages", config.stages, IntegerRange{1, 8});
  visit("blocks", config.blocks, IntegerRange{1, 1000});
  visit("block", config.block, kBlockNames);
  visit("reduction", config.reduction, IntegerRange{1, 4096});
  visit("window", config.window, IntegerRange{1, 1024});
  visit("spatial_transformer", config.spatial_transformer, Truth{});
  visit("dropout", config.dropout, NumberRange{0, 1});
}

void validate(const ResidualCnnConfig& config) {
  for_each_field(config, [](const char* key, auto value, const auto& range) { range.check(key, value); });
}

std::string to_json(const ResidualCnnConfig& config) {
  return json_of_config(config);
}

ResidualCnnConfig residual_cnn_config_from_json(std::string_view text, std::string_view source) {
  return config_from_json<ResidualCnnConfig>(text, source);
}

ResidualCnn::ResidualCnn(const ResidualCnnConfig& config, std::uint64_t seed) : config_(config) {
  validate(config);
  Generator random(seed);
  stem_ = std::make_unique<nn::Convolution>(
      config.channels, config.width,
      nn::ConvolutionOptions{.kernel = 3, .geometry = {.padding = 1}, .bias = false}, random);
  add_child("stem", *stem_);
  std::int64_t channels = config.width;
  for (std::int64_t stage = 0; stage < config.stages; ++stage)
    for (std::int64_t i = 0; i < config.blocks; ++i) {
      const std::int64_t out = config.width << stage;
      blocks_.push_back(std::make_unique<nn::ResidualBlock>(
          channels, out,
          nn::ResidualBlockOptions{.stride = stage_stride(stage, i),
                                   .attention = config.block,
                                   .attention_options = {.reduction = config.reduction,
                                                         .window = config.window,
                                                         .shifted = i % 2 == 1}},
          random));
      add_child(fmt::format("stages.{}.{}", stage, i), *blocks_.back());
      channels = out;
    }
  norm_ = std::make_unique<nn::BatchNorm>(channels, nn::BatchNormOptions{.relu = true});
  add_child("norm", *norm_);
  head_ = std::make_unique<nn::Linear>(channels, config.classes,
                                       nn::LinearOptions{.initialisation_std = 0.01}, random);
  add_child("head", *head_);
  if (config.spatial_transformer) {
    transformer_ = std::make_unique<nn::SpatialTransformer>(config.channels, random);
    add_child("spatial_transformer", *transformer_);
  }
}

ResidualCnn::~ResidualCnn() = default;

std::int64_t ResidualCnn::observed_layers() const {
  const auto blocks = static_cast<std::int64_t>(blocks_.size());
  if (transformer_ != nullptr) return blocks + 1;
  return config_.block == nn::FeatureAttentionKind::none ? 0 : blocks;
}

double ResidualCnn::ConvolutionSize::flops() const {
  const std::int64_t rows = (height - 1) / stride + 1, columns = (width - 1) / stride + 1;
  return 2.0 * static_cast<double>(rows * columns) * static_cast<double>(in * out * kernel * kernel);
}

std::vector<ResidualCnn::ConvolutionSize> ResidualCnn::convolutions(std::int64_t height,
                                                                    std::int64_t width) const {
  std::vector<ConvolutionSize> all = {
      {.in = config_.channels, .out = config_.width, .kernel = 3, .height = height, .width = width}};
  std::int64_t channels = config_.width;
  for (std::int64_t stage = 0; stage < config_.stages; ++stage)
    for (std::int64_t i = 0; i < config_.blocks; ++i) {
      ConvolutionSize next = {.in = channels,
                              .out = config_.width << stage,
                              .kernel = 3,
                              .stride = stage_stride(stage, i),
                              .height = height,
                              .width = width};
      all.push_back(next);
      if (next.in != next.out || next.stride != 1) {
        next.kernel = 1;
        all.push_back(next);
      }
      height = (height - 1) / next.stride + 1;
      width = (width - 1) / next.stride + 1;
      channels = next.out;
      all.push_back({.in = channels, .out = channels, .kernel = 3, .height = height, .width = width});
    }
  return all;
}

autograd::Tensors ResidualCnn::stage_maps(const Tensor& pictures, const nn::Run& run) const {
  if (!pictures.defined() || !is_floating(pictures.dtype()) || pictures.rank() != 4 ||
      pictures.dim(3) != config_.channels || pictures.elements() == 0)
    throw Error(fmt::format("pictures {}: f32 [batch, height, width, {}] needed",
                            pictures.defined() ? pictures.text() : "undefined", config_.channels));
  const Tensor& weight = head_->weight();
  Tensor x = op::cast(pictures, weight.dtype() == DType::f32 ? run.compute : weight.dtype());
  if (transformer_ != nullptr) x = transformer_->forward(x, run, static_cast<std::int64_t>(blocks_.size()));
  x = stem_->forward(x);
  autograd::Tensors maps;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i]->forward(x, run, static_cast<std::int64_t>(i));
    if ((i + 1) % static_cast<std::size_t>(config_.blocks) == 0) maps.push_back(x);
  }
  return maps;
}

Tensor ResidualCnn::features(const Tensor& pictures, const nn::Run& run) const {
  return norm_->forward(stage_maps(pictures, run).back(), run);
}

Tensor ResidualCnn::logits_of(const Tensor& features, const nn::Run& run) const {
  Tensor mean = op::mean(features, {.axes = {1, 2}});
  if (run.training && config_.dropout > 0)
    mean = op::dropout(mean, config_.dropout, nn::dropout_stream(run, config_.dropout));
  return head_->forward(mean);
}

Tensor ResidualCnn::logits(const Tensor& pictures, const nn::Run& run) const {
  return logits_of(features(pictures, run), run);
}

}  // namespace attend::model
