#pragma once

#include <bitset>

#include "attend/tensor/tensor.h"
#include "backend/kernels/reduce.h"

namespace attend::op {

using AxisSet = std::bitset<Shape::kMaxRank>;

/// Reduces a floating tensor over a set of axes, which keep their place with size 1; off the tape. The result
/// is f64 for f64 and f32 otherwise. The sum of nothing is 0; a maximum needs at least one element. Elements
/// are combined in fixed chunks and the chunks in order: the same bits for any number of threads.
Tensor reduce_axes(backend::Reduction reduction, const Tensor& x, AxisSet axes);

}  // namespace attend::op
