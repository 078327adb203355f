#include "attend/model/unet.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/model/residual_cnn.h"
#include "attend/op/cast.h"
#include "attend/op/dropout.h"
#include "model/config_json.h"
#include "model/feature_attention_names.h"
#include "model/trunk_weights.h"
#include "model/unet_levels.h"

namespace attend::model {

namespace {

inline constexpr Choice<nn::FeatureNormKind, 2> kNormKinds{
    {{{nn::FeatureNormKind::batch, "batch"}, {nn::FeatureNormKind::group, "group"}}}};

/// What the U-Net calls a parameter of a classifier whose last stage is this.
std::string name_on_the_way_down(std::string_view name, std::int64_t last_stage) {
  if (name.starts_with("stem.")) return fmt::format("down.0.{}", name);
  if (name.starts_with("stages.")) return fmt::format("down.{}", name.substr(7));
  if (name.starts_with("norm.")) return fmt::format("down.{}.{}", last_stage, name);
  return {};
}

}  // namespace

template <class Config, class Visit>
requires std::same_as<std::remove_const_t<Config>, UNetConfig>
void for_each_field(Config& config, Visit&& visit) {
  visit("channels", config.channels, IntegerRange{1, 1024});
  visit("classes", config.classes, IntegerRange{2, 255});
  visit("width", config.width, IntegerRange{1, 4096});
  visit("levels", config.levels, IntegerRange{1, 8});
  visit("blocks", config.blocks, IntegerRange{0, 1000});
  visit("block", config.block, kBlockNames);
  visit("norm", config.norm, kNormKinds);
  visit("norm_groups", config.norm_groups, IntegerRange{1, 4096});
  visit("gates", config.gates, Truth{});
  visit("dropout", config.dropout, NumberRange{0, 1});
}

void validate(const UNetConfig& config) {
  for_each_field(config, [](const char* key, auto value, const auto& range) { range.check(key, value); });
  if (config.norm == nn::FeatureNormKind::group && config.width % config.norm_groups != 0)
    throw Error(fmt::format("norm_groups {}: a number that divides the width {} needed", config.norm_groups,
                            config.width));
}

std::string to_json(const UNetConfig& config) {
  return json_of_config(config);
}

UNetConfig unet_config_from_json(std::string_view text, std::string_view source) {
  return config_from_json<UNetConfig>(text, source);
}

UNet::UNet(const UNetConfig& config, std::uint64_t seed) : config_(config) {
  validate(config);
  Generator random(seed);
  for (std::int64_t level = 0; level < config.levels; ++level) {
    down_.push_back(make_down_level(config, level, random));
    add_child(fmt::format("down.{}", level), *down_.back());
  }
  for (std::int64_t level = 0; level + 1 < config.levels; ++level) {
    up_.push_back(make_up_level(config, level, random));
    add_child(fmt::format("up.{}", level), *up_.back());
  }
  head_ = std::make_unique<nn::Convolution>(config.width, config.classes, nn::ConvolutionOptions{.kernel = 1},
                                            random);
  add_child("head", *head_);
}

UNet::~UNet() = default;

void UNet::start_from(const ResidualCnn& classifier) {
  check_trunk(classifier.config(), {.channels = config_.channels,
                                    .width = config_.width,
                                    .blocks = config_.blocks,
                                    .block = config_.block,
                                    .norm = config_.norm});
  copy_weights(classifier, *this, [&](std::string_view name) {
    return name_on_the_way_down(name, classifier.config().stages - 1);
  });
}

std::int64_t UNet::observed_layers() const {
  const bool watched = config_.block != nn::FeatureAttentionKind::none;
  return observed_gates() + (watched ? config_.levels * config_.blocks_of_level() : 0);
}

Tensor UNet::logits(const Tensor& pictures, const nn::Run& run) const {
  const std::int64_t stride = config_.stride();
  if (!pictures.defined() || !is_floating(pictures.dtype()) || pictures.rank() != 4 ||
      pictures.dim(3) != config_.channels || pictures.elements() == 0 || pictures.dim(1) % stride != 0 ||
      pictures.dim(2) % stride != 0)
    throw Error(
        fmt::format("pictures {}: f32 [batch, height, width, {}], height and width multiples of {}, "
                    "needed",
                    pictures.defined() ? pictures.text() : "undefined", config_.channels, stride));
  const DType own = parameters().front().tensor.dtype();
  Tensor x = op::cast(pictures, own == DType::f32 ? run.compute : own);
  std::vector<Tensor> skipped;
  std::int64_t layer = observed_gates();
  for (const auto& level : down_) {
    LevelMaps maps = level->forward(x, run, layer);
    skipped.push_back(maps.own);
    x = maps.below;
    layer += config_.blocks_of_level();
  }
  x = skipped.back();
  if (run.training && config_.dropout > 0)
    x = op::dropout(x, config_.dropout, nn::dropout_stream(run, config_.dropout));
  for (std::size_t level = up_.size(); level-- > 0;)
    x = up_[level]->forward(skipped[level], x, run, static_cast<std::int64_t>(level));
  return head_->forward(x);
}

}  // namespace attend::model
