#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

/// Normalisation of the columns of dense matrices [rows, columns] of f32, bf16 or f64. What there is one of
/// for each column is f32, or f64 beside f64 rows.
struct BatchNormKernels {
  /// squares[c] += sum over the rows of (x - mean[c])^2.
  struct Squares {
    DType dtype = DType::f32;
    std::int64_t rows = 0, columns = 0;
    const void* x = nullptr;
    const void* mean = nullptr;
    void* squares = nullptr;
  };
  void (*squares)(const Squares& work) = nullptr;

  /// y = x scale + shift, and 0 below 0 if `relu`.
  struct Forward {
    DType dtype = DType::f32;
    std::int64_t rows = 0, columns = 0;
    bool relu = false;
    const void* x = nullptr;
    const void *scale = nullptr, *shift = nullptr;
    void* y = nullptr;
  };
  void (*forward)(const Forward& work) = nullptr;

  /// With g = dy where y > 0 or there is no relu, and 0 elsewhere:
  struct Backward : Forward {  // y is not read
    const void* dy = nullptr;
    const void* mean = nullptr;
    void *g_sum = nullptr, *gx_sum = nullptr;  ///< sums(): += sum of g, and of g (x - mean)
    const void *slope = nullptr, *offset = nullptr;
    void* dx = nullptr;  ///< gradient(): g scale + x slope + offset
  };
  void (*sums)(const Backward& work) = nullptr;
  void (*gradient)(const Backward& work) = nullptr;
};

}  // namespace attend::backend
