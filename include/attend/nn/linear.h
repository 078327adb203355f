#pragma once

#include "attend/base/random.h"
#include "attend/nn/module.h"

namespace attend::nn {

struct LinearOptions {
  bool bias = true;
  /// Standard deviation of the weights at the start; biases start at zero.
  double initialisation_std = 0.02;
};

/// y = x W^T + b over the last axis: x [..., in], W "weight" [out, in], b "bias" [out], y [..., out] of x's
/// dtype.
class Linear : public Module {
 public:
  /// Throws Error for sizes below 1.
  Linear(std::int64_t in, std::int64_t out, const LinearOptions& options, Generator& random);

  Tensor forward(const Tensor& x) const;
  const Tensor& weight() const { return weight_; }
  const Tensor& bias() const { return bias_; }

 private:
  Tensor weight_, bias_;
};

}  // namespace attend::nn
