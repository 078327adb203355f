#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

/// Normalisation of the rows of dense matrices [rows, columns] of f32, bf16 or f64. Statistics and parameters
/// are f32, or f64 beside f64 rows.
struct NormRows {
  DType dtype = DType::f32;
  std::int64_t rows = 0, columns = 0;
  /// Layer norm subtracts the mean; RMS norm does not.
  bool centred = true;
  const void* weight = nullptr;  ///< [columns], or null for ones
};

struct NormKernels {
  struct Forward : NormRows {
    const void* x = nullptr;
    const void* residual = nullptr;  ///< added to x first, or null
    const void* bias = nullptr;      ///< [columns], or null for zeros
    double epsilon = 0;
    void* sum = nullptr;   ///< x + residual, rounded to the dtype; what is normalised; null without residual
    void* y = nullptr;     ///< (s - mean) rstd weight + bias
    void* mean = nullptr;  ///< [rows]; null when not centred
    void* rstd = nullptr;  ///< [rows]: 1 / sqrt(variance + epsilon), or the same of the mean square
  };
  void (*forward)(const Forward& work) = nullptr;

  struct Backward : NormRows {
    const void* s = nullptr;  ///< what was normalised
    const void* mean = nullptr;
    const void* rstd = nullptr;
    const void* dy = nullptr;
    const void* ds = nullptr;  ///< a further gradient of s, added to dx; or null
    void* dx = nullptr;        ///< or null when not needed
    void* dweight = nullptr;   ///< [columns], added to: sums of dy (s - mean) rstd; or null
    void* dbias = nullptr;     ///< [columns], added to: sums of dy; or null
  };
  void (*backward)(const Backward& work) = nullptr;
};

}  // namespace attend::backend
