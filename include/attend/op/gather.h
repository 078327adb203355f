#pragma once

#include "attend/tensor/tensor.h"

namespace attend::op {

/// Picks elements along one axis: for axis 1 of three, y[i, j, k] = x[i, indices[i, j, k], k].
///
/// x: any dtype. indices: i32 or i64, of x's rank, each in [0, size of the axis). On the other axes its sizes
/// are those of x, or 1 for the same choice everywhere: indices [1, J, 1] pick the same J rows for all i and
/// k. The axis of the result has as many elements as that of the indices. An element picked several times
/// gets the sum of the gradients, in f32 for bf16. Throws Error when shapes do not fit or an index is out of
/// range.
Tensor gather(const Tensor& x, int axis, const Tensor& indices);

}  // namespace attend::op
