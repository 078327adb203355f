#include "attend/nn/residual_block.h"

#include "attend/op/arithmetic.h"

namespace attend::nn {

namespace {

ConvolutionOptions three_by_three(std::int64_t stride) {
  return {.kernel = 3, .geometry = {.stride = stride, .padding = 1}, .bias = false};
}

FeatureNormOptions norm_of(const ResidualBlockOptions& options) {
  return {.kind = options.norm, .groups = options.norm_groups, .relu = true};
}

}  // namespace

ResidualBlock::ResidualBlock(std::int64_t in, std::int64_t out, const ResidualBlockOptions& options,
                             Generator& random)
    : norm1_(make_feature_norm(in, norm_of(options))),
      norm2_(make_feature_norm(out, norm_of(options))),
      conv1_(in, out, three_by_three(options.stride), random),
      conv2_(out, out, three_by_three(1), random) {
  add_child("norm1", *norm1_);
  add_child("conv1", conv1_);
  add_child("norm2", *norm2_);
  add_child("conv2", conv2_);
  if (in != out || options.stride != 1) {
    shortcut_ = std::make_unique<Convolution>(
        in, out, ConvolutionOptions{.kernel = 1, .geometry = {.stride = options.stride}, .bias = false},
        random);
    add_child("shortcut", *shortcut_);
  }
  attention_ = make_feature_attention(options.attention, out, options.attention_options, random);
  if (attention_ != nullptr) add_child("attention", *attention_);
}

Tensor ResidualBlock::forward(const Tensor& x, const Run& run, std::int64_t layer) const {
  const Tensor normed = norm1_->forward(x, run);
  Tensor branch = conv2_.forward(norm2_->forward(conv1_.forward(normed), run));
  if (attention_ != nullptr) branch = attention_->forward(branch, run, layer);
  return op::add(shortcut_ == nullptr ? x : shortcut_->forward(normed), branch);
}

}  // namespace attend::nn
