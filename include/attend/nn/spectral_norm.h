#pragma once

#include "attend/base/random.h"
#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::nn {

/// A weight W that is divided by its largest singular value (Miyato et al., "Spectral Normalization for
/// Generative Adversarial Networks", 2018). W is seen as a matrix: its first axis, and all others together.
///
///     v = W^T u / |W^T u|        u = W v / |W v|        sigma = u^T W v        value = W / sigma
///
/// Each value() in training takes one step of this power iteration on the buffers "u" and "v", which hold
/// singular vectors of the largest singular value before long; the gradient takes both as constants. Norms
/// below 1e-12 count as that, as PyTorch's spectral_norm has it. The parameter "weight" is W.
class SpectralNorm : public Module {
 public:
  /// W starts normal with this standard deviation; u starts as a random direction, and v fits it after 15
  /// steps. Throws Error for a shape of less than two axes or without elements.
  SpectralNorm(const Shape& shape, double initialisation_std, Generator& random);

  /// W / sigma, of W's shape and dtype (f32 or f64). The same bits for any number of threads.
  Tensor value(const Run& run) const;

  const Tensor& weight() const { return weight_; }

 private:
  void iterate(std::int64_t steps) const;

  Tensor weight_, u_, v_;
};

}  // namespace attend::nn
