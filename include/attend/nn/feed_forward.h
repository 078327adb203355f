#pragma once

#include "attend/nn/linear.h"

namespace attend::nn {

/// What happens between the two layers of a feed-forward layer. With a gate (Shazeer, "GLU Variants Improve
/// Transformer", 2020) the first layer gives two halves (a, b), and f(a) * b is what the second one sees.
enum class HiddenActivation {
  gelu_tanh,  ///< GELU by its tanh approximation
  gelu,
  relu,
  silu,
  swiglu,  ///< gated SiLU
  geglu,   ///< gated GELU
  reglu,   ///< gated ReLU
};

bool is_gated(HiddenActivation activation);

struct FeedForwardOptions {
  /// Inner features; 0 means 4 dim, or for gated activations 8/3 dim (as many parameters as without a gate)
  /// rounded up to a multiple of 64.
  std::int64_t inner = 0;
  HiddenActivation activation = HiddenActivation::gelu_tanh;
  bool bias = true;
  double initialisation_std = 0.02;
  double output_std = 0.02;  ///< of the second layer
};

/// `inner` with the meaning of 0 put in.
std::int64_t feed_forward_inner(std::int64_t dim, std::int64_t inner, HiddenActivation activation);

/// y = W2 f(W1 x + b1) + b2 for each token: "inner" [inner (twice with a gate), dim], "output" [dim, inner].
class FeedForward : public Module {
 public:
  FeedForward(std::int64_t dim, const FeedForwardOptions& options, Generator& random);

  /// x [..., dim] to [..., dim].
  Tensor forward(const Tensor& x) const;

 private:
  HiddenActivation activation_;
  Linear inner_, output_;
};

}  // namespace attend::nn
