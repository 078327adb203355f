#pragma once

#include <cstdint>
#include <vector>

#include "attend/base/random.h"
#include "attend/tensor/tensor.h"

namespace attend::data {

/// A batch in which each picture is mixed with another of it.
struct MixedBatch {
  Tensor images;   ///< f32 [n, height, width, channels]
  Tensor targets;  ///< f32 [n, classes]: share * own + (1 - share) * the partner's
  double share = 1;
  std::vector<std::int64_t> partners;  ///< a permutation of 0 ... n - 1
};

// Both take dense or strided f32 tensors as MixedBatch has them, and leave them as they are; `alpha` is from
// 0.001 to 1,000,000. They throw Error for another alpha, dtype or shape, and for an empty batch. Rows of
// targets that sum to 1 still do.

/// Picture i becomes share * picture i + (1 - share) * picture partners[i], with share ~ Beta(alpha, alpha)
/// of the whole batch (Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018).
MixedBatch mixup(const Tensor& images, const Tensor& targets, double alpha, const RandomStream& random);

/// A rectangle of picture i becomes that of picture partners[i]: about a uniform pixel, its sides
/// sqrt(1 - b) of the picture's with b ~ Beta(alpha, alpha), cut off at the picture's edge. `share` is that
/// of the pixels that stay (Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with
/// Localizable Features", 2019).
MixedBatch cutmix(const Tensor& images, const Tensor& targets, double alpha, const RandomStream& random);

/// A number drawn from Beta(a, b), as a ratio of Gamma numbers (Marsaglia and Tsang, "A Simple Method for
/// Generating Gamma Variables", 2000). Throws Error unless a and b are from 0.001 to 1,000,000.
double draw_beta(double a, double b, const RandomStream& random);

}  // namespace attend::data
