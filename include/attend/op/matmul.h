#pragma once

#include "attend/tensor/tensor.h"

namespace attend::op {

/// The matrix product over the last two axes, NumPy's meaning: a [..., M, K], b [..., K, N], result [..., M,
/// N]. Batch axes broadcast. Both f32, bf16 or f64; transposed views are read as they lie. Throws Error
/// otherwise.
Tensor matmul(const Tensor& a, const Tensor& b);

}  // namespace attend::op
