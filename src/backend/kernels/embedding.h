#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

/// Rows of dense tables of f32, bf16 or f64. No index is checked here.
struct EmbeddingKernels {
  struct Gather {
    DType table_dtype = DType::f32, out_dtype = DType::f32;
    std::int64_t count = 0, columns = 0;
    const void* table = nullptr;
    const std::int64_t* ids = nullptr;  ///< [count]
    /// A second table, whose row (first + i) mod period is added to result i; or null.
    const void* positions = nullptr;
    std::int64_t first = 0, period = 1;
    void* out = nullptr;  ///< [count, columns]
  };
  void (*gather)(const Gather& work) = nullptr;
  /// sums[c] = sum over i < count of matrix[rows[i], c], in this order; sums are f64 for f64 and f32
  /// otherwise.
  void (*sum_rows)(DType dtype, const void* matrix, const std::int64_t* rows, std::int64_t count,
                   std::int64_t columns, void* sums) = nullptr;
};

}  // namespace attend::backend
