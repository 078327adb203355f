#include "model/unet_levels.h"

#include <fmt/format.h>

#include <vector>

#include "attend/nn/attention_gate.h"
#include "attend/nn/residual_block.h"
#include "attend/op/pooling.h"
#include "attend/op/resize.h"
#include "attend/op/shape.h"

namespace attend::model {

namespace {

constexpr nn::ConvolutionOptions kThreeByThree{.kernel = 3, .geometry = {.padding = 1}, .bias = false};

nn::FeatureNormOptions norm_of(const UNetConfig& config) {
  return {.kind = config.norm, .groups = config.norm_groups, .relu = true};
}

std::int64_t channels_of(const UNetConfig& config, std::int64_t level) {
  return level < 0 ? config.channels : config.width << level;
}

/// A convolution, a norm and ReLU.
class Unit : public nn::Module {
 public:
  Unit(std::int64_t in, std::int64_t out, const UNetConfig& config, Generator& random)
      : convolution_(in, out, kThreeByThree, random), norm_(nn::make_feature_norm(out, norm_of(config))) {
    add_child("convolution", convolution_);
    add_child("norm", *norm_);
  }

  Tensor forward(const Tensor& x, const nn::Run& run) const {
    return norm_->forward(convolution_.forward(x), run);
  }

 private:
  nn::Convolution convolution_;
  std::unique_ptr<nn::FeatureNorm> norm_;
};

class Block : public nn::Module {
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

class PlainDown : public DownLevel {
 public:
  PlainDown(const UNetConfig& config, std::int64_t level, Generator& random)
      : first_(channels_of(config, level - 1), channels_of(config, level), config, random),
        second_(channels_of(config, level), channels_of(config, level), config, random),
        attention_(nn::make_feature_attention(config.block, channels_of(config, level), {}, random)),
        finest_(level == 0) {
    add_child("0", first_);
    add_child("1", second_);
    if (attention_ != nullptr) add_child("attention", *attention_);
  }

  LevelMaps forward(const Tensor& finer, const nn::Run& run, std::int64_t layer) const override {
    Tensor x = second_.forward(first_.forward(finest_ ? finer : op::pool(finer), run), run);
    if (attention_ != nullptr) x = attention_->forward(x, run, layer);
    return {.own = x, .below = x};
  }

 private:
  Unit first_, second_;
  std::unique_ptr<nn::FeatureAttention> attention_;
  bool finest_;
};

class ResidualDown : public DownLevel {
 public:
  ResidualDown(const UNetConfig& config, std::int64_t level, Generator& random) {
    std::int64_t channels = channels_of(config, level - 1);
    const std::int64_t out = channels_of(config, level);
    if (level == 0) {
      stem_ = std::make_unique<nn::Convolution>(channels, out, kThreeByThree, random);
      add_child("stem", *stem_);
      channels = out;
    }
    for (std::int64_t i = 0; i < config.blocks; ++i) {
      blocks_.push_back(std::make_unique<nn::ResidualBlock>(
          channels, out,
          nn::ResidualBlockOptions{.stride = level > 0 && i == 0 ? 2 : 1,
                                   .norm = config.norm,
                                   .norm_groups = config.norm_groups,
                                   .attention = config.block,
                                   .attention_options = {.shifted = i % 2 == 1}},
          random));
      add_child(fmt::format("{}", i), *blocks_.back());
      channels = out;
    }
    norm_ = nn::make_feature_norm(out, norm_of(config));
    add_child("norm", *norm_);
  }

  LevelMaps forward(const Tensor& finer, const nn::Run& run, std::int64_t layer) const override {
    Tensor x = stem_ == nullptr ? finer : stem_->forward(finer);
    for (const auto& block : blocks_) x = block->forward(x, run, layer++);
    return {.own = norm_->forward(x, run), .below = x};
  }

 private:
  std::unique_ptr<nn::Convolution> stem_;
  std::vector<std::unique_ptr<nn::ResidualBlock>> blocks_;
  std::unique_ptr<nn::FeatureNorm> norm_;
};

/// The gate of a level, where there are gates.
class GatedUp : public UpLevel {
 public:
  Tensor forward(const Tensor& skipped, const Tensor& coarse, const nn::Run& run,
                 std::int64_t layer) const final {
    const Tensor kept = gate_ == nullptr ? skipped : gate_->forward(skipped, coarse, run, layer);
    return joined(kept, coarse, run);
  }

 protected:
  /// The inner channels of the gate are those of the features, as in the paper.
  void add_gate(const UNetConfig& config, std::int64_t channels, Generator& random) {
    if (!config.gates) return;
    gate_ = std::make_unique<nn::AttentionGate>(
        nn::AttentionGateSizes{.features = channels, .gating = 2 * channels, .inner = channels}, random);
    add_child("gate", *gate_);
  }

  virtual Tensor joined(const Tensor& kept, const Tensor& coarse, const nn::Run& run) const = 0;

 private:
  std::unique_ptr<nn::AttentionGate> gate_;
};

class PlainUp : public GatedUp {
 public:
  PlainUp(const UNetConfig& config, std::int64_t level, Generator& random)
      : unit_(channels_of(config, level + 1), channels_of(config, level), config, random),
        block_(channels_of(config, level + 1), channels_of(config, level), config, random) {
    add_child("unit", unit_);
    add_child("block", block_);
    add_gate(config, channels_of(config, level), random);
  }

 protected:
  Tensor joined(const Tensor& kept, const Tensor& coarse, const nn::Run& run) const override {
    const Tensor fine = unit_.forward(op::resize(coarse, kept.dim(1), kept.dim(2)), run);
    return block_.forward(op::concatenate({kept, fine}, 3), run);
  }

 private:
  Unit unit_;
  Block block_;
};

class ResidualUp : public GatedUp {
 public:
  ResidualUp(const UNetConfig& config, std::int64_t level, Generator& random)
      : narrow_(channels_of(config, level + 1), channels_of(config, level), {.kernel = 1, .bias = false},
                random),
        unit_(channels_of(config, level + 1), channels_of(config, level), config, random) {
    add_child("narrow", narrow_);
    add_child("unit", unit_);
    add_gate(config, channels_of(config, level), random);
  }

 protected:
  Tensor joined(const Tensor& kept, const Tensor& coarse, const nn::Run& run) const override {
    const Tensor fine = op::resize(narrow_.forward(coarse), kept.dim(1), kept.dim(2));
    return unit_.forward(op::concatenate({kept, fine}, 3), run);
  }

 private:
  nn::Convolution narrow_;
  Unit unit_;
};

}  // namespace

std::unique_ptr<DownLevel> make_down_level(const UNetConfig& config, std::int64_t level, Generator& random) {
  if (config.blocks > 0) return std::make_unique<ResidualDown>(config, level, random);
  return std::make_unique<PlainDown>(config, level, random);
}

std::unique_ptr<UpLevel> make_up_level(const UNetConfig& config, std::int64_t level, Generator& random) {
  if (config.blocks > 0) return std::make_unique<ResidualUp>(config, level, random);
  return std::make_unique<PlainUp>(config, level, random);
}

}  // namespace attend::model
