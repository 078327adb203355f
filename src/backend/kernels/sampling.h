#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

/// Weighted sums of the rows of a dense matrix of f32, bf16 or f64, which is what interpolation of feature
/// maps with channels last is: a row holds the channels of one pixel. Sums are f32, or f64 for f64. No row is
/// checked here.
struct SamplingKernels {
  /// One term of a weighted sum. Without a row, or with the weight 0, it is zero, whatever the row holds.
  struct Tap {
    std::int64_t row = -1;  ///< negative: none
    double weight = 0;
  };
  struct Work {
    DType dtype = DType::f32;
    /// Channels to compute, and from one row to the next.
    std::int64_t columns = 0, stride = 0;
    std::int64_t outputs = 0, taps_each = 0;
    const Tap* taps = nullptr;  ///< [outputs, taps_each]
  };

  /// y[o] = sum over t of weight[o, t] x[row[o, t]], in this order.
  struct Gather : Work {
    const void* x = nullptr;
    void* y = nullptr;  ///< [outputs, stride]
  };
  void (*gather)(const Gather& work) = nullptr;

  /// The transpose: dx[row[o, t]] += weight[o, t] dy[o], o and t in order.
  struct Scatter : Work {
    const void* dy = nullptr;  ///< [outputs, stride]
    void* dx = nullptr;        ///< f32, or f64 for f64
  };
  void (*scatter)(const Scatter& work) = nullptr;

  /// The gradients of the weights: dweights[o, t] = <x[row[o, t]], dy[o]>, or 0 where there is no row.
  struct Products : Work {
    const void* x = nullptr;
    const void* dy = nullptr;    ///< [outputs, stride]
    double* dweights = nullptr;  ///< [outputs, taps_each]
  };
  void (*products)(const Products& work) = nullptr;

  /// The largest element of each channel over a rectangle of at least one row, and the first row that has it;
  /// NaN when any is, and the row of the first.
  struct Maximum {
    DType dtype = DType::f32;
    std::int64_t columns = 0;
    /// Rows of the matrix: `first` + i `pitch` + j for i < height and j < width.
    std::int64_t first = 0, pitch = 0, height = 0, width = 0;
    const void* x = nullptr;
    void* y = nullptr;            ///< [columns]
    std::int32_t* row = nullptr;  ///< [columns]
  };
  void (*maximum)(const Maximum& work) = nullptr;
};

}  // namespace attend::backend
