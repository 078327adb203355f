#include "attend/model/feature_pyramid.h"

#include <fmt/format.h>

#include <numeric>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/resize.h"
#include "model/feature_pyramid_fields.h"

namespace attend::model {

namespace {

nn::ConvolutionOptions three_by_three(std::int64_t stride, bool bias) {
  return {.kernel = 3, .geometry = {.stride = stride, .padding = 1}, .bias = bias};
}

nn::GroupNormOptions norm_of(std::int64_t channels) {
  return {.groups = std::gcd(channels, std::int64_t{8}), .relu = true};
}

}  // namespace

void validate(const FeaturePyramidConfig& config) {
  for_each_field(config, [](const char* key, auto value, const auto& range) { range.check(key, value); });
  if (config.levels > config.stages)
    throw Error(
        fmt::format("levels {}: at most as many as there are stages, {}", config.levels, config.stages));
}

class FeaturePyramid::Block : public nn::Module {
 public:
  Block(std::int64_t in, std::int64_t out, std::int64_t stride, Generator& random)
      : norm1_(in, norm_of(in)),
        conv1_(in, out, three_by_three(stride, false), random),
        norm2_(out, norm_of(out)),
        conv2_(out, out, three_by_three(1, false), random) {
    add_child("norm1", norm1_);
    add_child("conv1", conv1_);
    add_child("norm2", norm2_);
    add_child("conv2", conv2_);
    if (in == out && stride == 1) return;
    shortcut_ = std::make_unique<nn::Convolution>(
        in, out, nn::ConvolutionOptions{.kernel = 1, .geometry = {.stride = stride}, .bias = false}, random);
    add_child("shortcut", *shortcut_);
  }

  Tensor forward(const Tensor& x) const {
    const Tensor normed = norm1_.forward(x);
    const Tensor branch = conv2_.forward(norm2_.forward(conv1_.forward(normed)));
    return op::add(shortcut_ == nullptr ? x : shortcut_->forward(normed), branch);
  }

 private:
  nn::GroupNorm norm1_;
  nn::Convolution conv1_;
  nn::GroupNorm norm2_;
  nn::Convolution conv2_;
  std::unique_ptr<nn::Convolution> shortcut_;
};

FeaturePyramid::FeaturePyramid(const FeaturePyramidConfig& config, Generator& random) : config_(config) {
  validate(config);
  stem_ = std::make_unique<nn::Convolution>(config.channels, config.width, three_by_three(2, false), random);
  add_child("stem", *stem_);
  std::int64_t channels = config.width;
  for (std::int64_t stage = 0; stage < config.stages; ++stage)
    for (std::int64_t i = 0; i < config.blocks; ++i) {
      const std::int64_t out = config.width << stage;
      blocks_.push_back(std::make_unique<Block>(channels, out, i == 0 ? 2 : 1, random));
      add_child(fmt::format("stages.{}.{}", stage, i), *blocks_.back());
      channels = out;
    }
  for (std::int64_t level = 0; level < config.levels; ++level) {
    const std::int64_t in = config.width << (config.stages - config.levels + level);
    norms_.push_back(std::make_unique<nn::GroupNorm>(in, norm_of(in)));
    laterals_.push_back(
        std::make_unique<nn::Convolution>(in, config.dim, nn::ConvolutionOptions{.kernel = 1}, random));
    smooth_.push_back(
        std::make_unique<nn::Convolution>(config.dim, config.dim, three_by_three(1, true), random));
    add_child(fmt::format("norms.{}", level), *norms_.back());
    add_child(fmt::format("laterals.{}", level), *laterals_.back());
    add_child(fmt::format("smooth.{}", level), *smooth_.back());
  }
}

FeaturePyramid::~FeaturePyramid() = default;

std::vector<std::int64_t> FeaturePyramid::strides() const {
  std::vector<std::int64_t> result;
  for (std::int64_t level = 0; level < config_.levels; ++level)
    result.push_back(std::int64_t{4} << (config_.stages - config_.levels + level));
  return result;
}

autograd::Tensors FeaturePyramid::forward(const Tensor& pictures) const {
  const auto stages = static_cast<std::size_t>(config_.stages), levels = laterals_.size();
  autograd::Tensors maps;
  Tensor x = stem_->forward(pictures);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i]->forward(x);
    if ((i + 1) % static_cast<std::size_t>(config_.blocks) == 0) maps.push_back(x);
  }
  autograd::Tensors result(levels);
  Tensor above;
  for (std::size_t level = levels; level-- > 0;) {
    const Tensor lateral = laterals_[level]->forward(norms_[level]->forward(maps[stages - levels + level]));
    above = above.defined() ? op::add(lateral, op::resize(above, lateral.dim(1), lateral.dim(2),
                                                          {.mode = op::Interpolation::nearest}))
                            : lateral;
    result[level] = smooth_[level]->forward(above);
  }
  return result;
}

}  // namespace attend::model
