#include "attend/nn/feed_forward.h"

#include "attend/op/activation.h"

namespace attend::nn {

namespace {

Activation function_of(HiddenActivation activation) {
  switch (activation) {
    case HiddenActivation::gelu_tanh:
      return Activation::gelu_tanh;
    case HiddenActivation::gelu:
    case HiddenActivation::geglu:
      return Activation::gelu;
    case HiddenActivation::relu:
    case HiddenActivation::reglu:
      return Activation::relu;
    case HiddenActivation::silu:
    case HiddenActivation::swiglu:
      break;
  }
  return Activation::silu;
}

std::int64_t width(std::int64_t dim, const FeedForwardOptions& options) {
  return feed_forward_inner(dim, options.inner, options.activation);
}

}  // namespace

bool is_gated(HiddenActivation activation) {
  return activation == HiddenActivation::swiglu || activation == HiddenActivation::geglu ||
         activation == HiddenActivation::reglu;
}

std::int64_t feed_forward_inner(std::int64_t dim, std::int64_t inner, HiddenActivation activation) {
  if (inner != 0) return inner;
  constexpr std::int64_t kMultiple = 64;
  return is_gated(activation) ? (8 * dim + 3 * kMultiple - 1) / (3 * kMultiple) * kMultiple : 4 * dim;
}

FeedForward::FeedForward(std::int64_t dim, const FeedForwardOptions& options, Generator& random)
    : activation_(options.activation),
      inner_(dim, width(dim, options) * (is_gated(options.activation) ? 2 : 1),
             {.bias = options.bias, .initialisation_std = options.initialisation_std}, random),
      output_(width(dim, options), dim, {.bias = options.bias, .initialisation_std = options.output_std},
              random) {
  add_child("inner", inner_);
  add_child("output", output_);
}

Tensor FeedForward::forward(const Tensor& x) const {
  const Tensor hidden = inner_.forward(x);
  return output_.forward(is_gated(activation_) ? op::gated(hidden, function_of(activation_))
                                               : op::activate(hidden, function_of(activation_)));
}

}  // namespace attend::nn
