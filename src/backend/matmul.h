#pragma once

#include <string>

#include "attend/tensor/tensor.h"

namespace attend::backend {

struct MatmulOptions {
  /// Added to every row of the product: shape [columns], f32 (or the product's f64).
  Tensor bias;
  /// Add to what the output holds instead of overwriting it.
  bool accumulate = false;
};

/// out = a b, batched: a [..., M, K], b [..., K, N], out [..., M, N] with equal batch axes, or batch axes of
/// size 1 that are repeated. The last two axes of a and b may be in either order in memory (a transposed view
/// costs no copy); out is dense. dtypes: all f32; all f64; bf16 with out bf16 or f32. Throws Error for
/// anything else.
void matmul(const Tensor& a, const Tensor& b, const Tensor& out, const MatmulOptions& options = {});

std::string onednn_version();

}  // namespace attend::backend
