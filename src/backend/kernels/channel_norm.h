#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

/// What a norm over places needs of a dense matrix [rows, columns] of f32, bf16 or f64 whose columns are
/// channels. Everything that a channel has one of is f32, or f64 for f64.
struct ChannelNormKernels {
  struct Rows {
    DType dtype = DType::f32;
    std::int64_t rows = 0, columns = 0;
    const void* x = nullptr;
    const void* centre = nullptr;  ///< [columns]; below, d is x - centre
    const void* dy = nullptr;      ///< of x's shape, or null for d
    /// [columns], or null: dy counts as 0 where d gate_slope[c] + gate_offset[c] is not above 0, the gradient
    /// of a result that apply() cut off at 0.
    const void *gate_slope = nullptr, *gate_offset = nullptr;
  };

  /// first[c] = sum over rows of dy, second[c] = sum over rows of dy d.
  struct Moments : Rows {
    void* first = nullptr;   ///< [columns]
    void* second = nullptr;  ///< [columns]
  };
  void (*moments)(const Moments& work) = nullptr;

  /// y = d slope[c] + offset[c], and dy factor[c] more where dy is given; 0 below 0 if `relu`.
  struct Apply : Rows {
    bool relu = false;
    const void* slope = nullptr;   ///< [columns]
    const void* offset = nullptr;  ///< [columns]
    const void* factor = nullptr;  ///< [columns], read when dy is given
    void* y = nullptr;             ///< of x's shape and dtype
  };
  void (*apply)(const Apply& work) = nullptr;
};

}  // namespace attend::backend
