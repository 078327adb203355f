#pragma once

#include "attend/tensor/tensor.h"

namespace attend::op {

struct ContrastiveOptions {
  /// What similarities are divided by, above 0: the smaller, the more the hardest negatives count.
  double temperature = 0.05;
  /// bool [n, n]: (i, j) where row j of b is no negative of row i of a, because it fits as well (equal texts,
  /// say). The diagonal must be false. Undefined: every other row is a negative.
  Tensor ignored = {};
};

/// Symmetric InfoNCE with the other pairs of a batch as negatives (van den Oord et al., "Representation
/// Learning with Contrastive Predictive Coding", 2018; in both directions: Radford et al., "CLIP", 2021):
///
///     S = a b^T / temperature
///     loss = 1/2 mean_i(log sum_j exp S_ij - S_ii) + 1/2 mean_j(log sum_i exp S_ij - S_jj)
///
/// a, b: [n, d], f32 or f64; row i of one belongs to row i of the other. They are used as they are: rows of
/// length 1 make S cosines. A scalar. Throws Error when shapes or dtypes do not fit.
Tensor contrastive_loss(const Tensor& a, const Tensor& b, const ContrastiveOptions& options = {});

}  // namespace attend::op
