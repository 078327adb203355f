#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

struct MatrixVectorKernels {
  /// y[r, o] = sum over i of x[r, i] * weight[o, i] + bias[o], for few rows r < rows and o in [begin, end):
  /// reads the weights once. x, weight and y are dense and of one dtype (f32, bf16 or f64); y has `out`
  /// columns; bias is f32 (f64 beside f64) or null. Sums are f32 (f64).
  void (*few_rows)(DType dtype, const void* x, const void* weight, const void* bias, void* y,
                   std::int64_t rows, std::int64_t in, std::int64_t out, std::int64_t begin,
                   std::int64_t end) = nullptr;
};

}  // namespace attend::backend
