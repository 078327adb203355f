#pragma once

#include "attend/tensor/tensor.h"

namespace attend::op {

/// The sum over the rows of a matrix [rows, columns], with an accumulator of f32 (f64 for f64) and that
/// dtype as result. The rows are summed in fixed chunks and the chunks in order: the same bits for any number
/// of threads.
Tensor column_sum(const Tensor& matrix);

}  // namespace attend::op
