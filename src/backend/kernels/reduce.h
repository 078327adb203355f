#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

enum class Reduction {
  sum,
  maximum  ///< NaN when any is
};

/// Reductions of a matrix with dense rows: f32, bf16 or f64 in, f64 out for f64 and f32 otherwise. The order
/// of the operations depends on the sizes alone. At least one element is reduced.
struct ReduceKernels {
  /// out[r * out_stride] = reduction over c of in[r, c].
  void (*rows)(Reduction reduction, DType dtype, const void* in, std::int64_t row_stride, std::int64_t rows,
               std::int64_t columns, void* out, std::int64_t out_stride) = nullptr;
  /// out[c] = reduction over r of in[r, c].
  void (*columns)(Reduction reduction, DType dtype, const void* in, std::int64_t row_stride,
                  std::int64_t rows, std::int64_t columns, void* out) = nullptr;
};

}  // namespace attend::backend
