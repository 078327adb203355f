#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

/// Softmax of each row of a dense matrix: f32, bf16 (computed in f32) or f64.
struct SoftmaxKernels {
  /// y = exp(x - max) / sum exp(x - max); zeros for a row of -infinity.
  void (*softmax)(DType dtype, const void* x, void* y, std::int64_t rows, std::int64_t columns) = nullptr;
  /// dx = y (dy - <y, dy>).
  void (*softmax_gradient)(DType dtype, const void* y, const void* dy, void* dx, std::int64_t rows,
                           std::int64_t columns) = nullptr;
  /// y = x - max - log sum exp(x - max); -infinity for a row of -infinity.
  void (*log_softmax)(DType dtype, const void* x, void* y, std::int64_t rows, std::int64_t columns) = nullptr;
  /// dx = dy - exp(y) sum dy; zeros for a row of -infinity.
  void (*log_softmax_gradient)(DType dtype, const void* y, const void* dy, void* dx, std::int64_t rows,
                               std::int64_t columns) = nullptr;
};

}  // namespace attend::backend
