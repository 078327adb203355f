#pragma once

#include "attend/tensor/tensor.h"

namespace attend::op {

struct Assignment {
  Tensor rows;      ///< i64 [min(N, M)], ascending
  Tensor columns;   ///< i64 [min(N, M)]: the column of each of them
  double cost = 0;  ///< the sum of their costs
};

/// Pairs of rows and columns of the smallest total cost, no row and no column in two of them, and as many as
/// there can be (the Hungarian algorithm: Kuhn, 1955, with the shortest augmenting paths of Jonker and
/// Volgenant, 1987; for n = min(N, M) and m = max(N, M), O(n^2 m) time).
///
/// costs: [N, M], f32, bf16 or f64, computed in f64. Of several best assignments it is always the same one.
/// Not differentiable. Throws Error when the shape or dtype does not fit or a cost is NaN or beyond 1e150.
Assignment assign(const Tensor& costs);

}  // namespace attend::op
