#include "attend/model/unet.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/nn/attention_gate.h"
#include "attend/nn/batch_norm.h"
#include "attend/nn/group_norm.h"
#include "attend/op/activation.h"
#include "attend/op/cast.h"
#include "attend/op/dropout.h"
#include "attend/op/pooling.h"
#include "attend/op/resize.h"
#include "attend/op/shape.h"
#include "model/config_json.h"

namespace attend::model {

namespace {

inline constexpr Choice<FeatureNormKind, 2> kNormKinds{
    {{{FeatureNormKind::batch, "batch"}, {FeatureNormKind::group, "group"}}}};

}  // namespace

template <class Config, class Visit>
requires std::same_as<std::remove_const_t<Config>, UNetConfig>
void for_each_field(Config& config, Visit&& visit) {
  visit("channels", config.channels, IntegerRange{1, 1024});
  visit("classes", config.classes, IntegerRange{2, 255});
  visit("width", config.width, IntegerRange{1, 4096});
  visit("levels", config.levels, IntegerRange{1, 8});
  visit("norm", config.norm, kNormKinds);
  visit("norm_groups", config.norm_groups, IntegerRange{1, 4096});
  visit("gates", config.gates, Truth{});
  visit("dropout", config.dropout, NumberRange{0, 1});
}

void validate(const UNetConfig& config) {
  for_each_field(config, [](const char* key, auto value, const auto& range) { range.check(key, value); });
  if (config.norm == FeatureNormKind::group && config.width % config.norm_groups != 0)
    throw Error(fmt::format("norm_groups {}: a number that divides the width {} needed", config.norm_groups,
                            config.width));
}

std::string to_json(const UNetConfig& config) {
  return json_of_config(config);
}

UNetConfig unet_config_from_json(std::string_view text, std::string_view source) {
  return config_from_json<UNetConfig>(text, source);
}

/// A convolution, a norm and ReLU.
class UNet::Unit : public nn::Module {
 public:
  Unit(std::int64_t in, std::int64_t out, const UNetConfig& config, Generator& random)
      : convolution_(in, out, {.kernel = 3, .geometry = {.padding = 1}, .bias = false}, random) {
    add_child("convolution", convolution_);
    if (config.norm == FeatureNormKind::batch) {
      batch_norm_ = std::make_unique<nn::BatchNorm>(out, nn::BatchNormOptions{.relu = true});
      add_child("norm", *batch_norm_);
    } else {
      group_norm_ = std::make_unique<nn::GroupNorm>(out, nn::GroupNormOptions{.groups = config.norm_groups});
      add_child("norm", *group_norm_);
    }
  }

  Tensor forward(const Tensor& x, const nn::Run& run) const {
    const Tensor y = convolution_.forward(x);
    if (batch_norm_ != nullptr) return batch_norm_->forward(y, run);
    return op::activate(group_norm_->forward(y), Activation::relu);
  }

 private:
  nn::Convolution convolution_;
  std::unique_ptr<nn::BatchNorm> batch_norm_;
  std::unique_ptr<nn::GroupNorm> group_norm_;
};

class UNet::Block : public nn::Module {
 public:
  Block(std::int64_t in, std::int64_t out, const UNetConfig& config, Generator& random)
      : first_(in, out, config, random), second_(out, out, config, random) {
    add_child("0", first_);
    add_child("1", second_);
  }

  Tensor forward(const Tensor& x, const nn::Run& run) const {
    return second_.forward(first_.forward(x, run), run);
  }

 private:
  Unit first_, second_;
};

/// From the maps of a level to those of the finer one.
class UNet::Up : public nn::Module {
 public:
  Up(std::int64_t channels, const UNetConfig& config, Generator& random)
      : unit_(2 * channels, channels, config, random), block_(2 * channels, channels, config, random) {
    add_child("unit", unit_);
    add_child("block", block_);
    if (!config.gates) return;
    // The inner channels are those of the features, as in the paper.
    gate_ = std::make_unique<nn::AttentionGate>(
        nn::AttentionGateSizes{.features = channels, .gating = 2 * channels, .inner = channels}, random);
    add_child("gate", *gate_);
  }

  Tensor forward(const Tensor& skipped, const Tensor& coarse, const nn::Run& run, std::int64_t level) const {
    const Tensor fine = unit_.forward(op::resize(coarse, skipped.dim(1), skipped.dim(2)), run);
    const Tensor kept = gate_ == nullptr ? skipped : gate_->forward(skipped, coarse, run, level);
    return block_.forward(op::concatenate({kept, fine}, 3), run);
  }

 private:
  Unit unit_;
  Block block_;
  std::unique_ptr<nn::AttentionGate> gate_;
};

UNet::UNet(const UNetConfig& config, std::uint64_t seed) : config_(config) {
  validate(config);
  Generator random(seed);
  std::int64_t channels = config.channels;
  for (std::int64_t level = 0; level < config.levels; ++level) {
    const std::int64_t out = config.width << level;
    down_.push_back(std::make_unique<Block>(channels, out, config, random));
    add_child(fmt::format("down.{}", level), *down_.back());
    channels = out;
  }
  for (std::int64_t level = 0; level + 1 < config.levels; ++level) {
    up_.push_back(std::make_unique<Up>(config.width << level, config, random));
    add_child(fmt::format("up.{}", level), *up_.back());
  }
  head_ = std::make_unique<nn::Convolution>(config.width, config.classes, nn::ConvolutionOptions{.kernel = 1},
                                            random);
  add_child("head", *head_);
}

UNet::~UNet() = default;

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
  for (std::size_t level = 0; level < down_.size(); ++level) {
    if (level > 0) x = op::pool(x);
    x = down_[level]->forward(x, run);
    skipped.push_back(x);
  }
  if (run.training && config_.dropout > 0)
    x = op::dropout(x, config_.dropout, nn::dropout_stream(run, config_.dropout));
  for (std::size_t level = up_.size(); level-- > 0;)
    x = up_[level]->forward(skipped[level], x, run, static_cast<std::int64_t>(level));
  return head_->forward(x);
}

}  // namespace attend::model
