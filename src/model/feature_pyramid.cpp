#include "attend/model/feature_pyramid.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/resize.h"
#include "model/feature_pyramid_fields.h"

namespace attend::model {

namespace {

nn::ConvolutionOptions three_by_three(std::int64_t stride, bool bias) {
  return {.kernel = 3, .geometry = {.stride = stride, .padding = 1}, .bias = bias};
}

constexpr std::int64_t kNormGroups = 8;

}  // namespace

void validate(const FeaturePyramidConfig& config) {
  for_each_field(config, [](const char* key, auto value, const auto& range) { range.check(key, value); });
  if (config.levels > config.stages)
    throw Error(
        fmt::format("levels {}: at most as many as there are stages, {}", config.levels, config.stages));
}

FeaturePyramid::FeaturePyramid(const FeaturePyramidConfig& config, Generator& random) : config_(config) {
  validate(config);
  stem_ = std::make_unique<nn::Convolution>(config.channels, config.width, three_by_three(2, false), random);
  add_child("stem", *stem_);
  std::int64_t channels = config.width;
  for (std::int64_t stage = 0; stage < config.stages; ++stage)
    for (std::int64_t i = 0; i < config.blocks; ++i) {
      const std::int64_t out = config.width << stage;
      blocks_.push_back(std::make_unique<nn::ResidualBlock>(
          channels, out,
          nn::ResidualBlockOptions{
              .stride = i == 0 ? 2 : 1, .norm = nn::FeatureNormKind::group, .norm_groups = kNormGroups},
          random));
      add_child(fmt::format("stages.{}.{}", stage, i), *blocks_.back());
      channels = out;
    }
  for (std::int64_t level = 0; level < config.levels; ++level) {
    const std::int64_t in = config.width << (config.stages - config.levels + level);
    norms_.push_back(
        nn::make_feature_norm(in, {.kind = nn::FeatureNormKind::group, .groups = kNormGroups, .relu = true}));
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
    x = blocks_[i]->forward(x, {}, 0);
    if ((i + 1) % static_cast<std::size_t>(config_.blocks) == 0) maps.push_back(x);
  }
  autograd::Tensors result(levels);
  Tensor above;
  for (std::size_t level = levels; level-- > 0;) {
    const Tensor lateral =
        laterals_[level]->forward(norms_[level]->forward(maps[stages - levels + level], {}));
    above = above.defined() ? op::add(lateral, op::resize(above, lateral.dim(1), lateral.dim(2),
                                                          {.mode = op::Interpolation::nearest}))
                            : lateral;
    result[level] = smooth_[level]->forward(above);
  }
  return result;
}

}  // namespace attend::model
