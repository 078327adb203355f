#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

/// Cross entropy of rows of dense logits [rows, classes] of f32, bf16 or f64; everything else is f32, or f64
/// beside f64 logits. Targets are in [0, classes) or the ignored index.
struct CrossEntropyRows {
  DType dtype = DType::f32;
  std::int64_t rows = 0, classes = 0;
  const void* logits = nullptr;
  const std::int64_t* targets = nullptr;
  std::int64_t ignore_index = 0;
  double label_smoothing = 0;
};

struct CrossEntropyKernels {
  struct Forward : CrossEntropyRows {
    void* losses = nullptr;       ///< [rows], 0 where ignored
    void* log_sum_exp = nullptr;  ///< [rows]
  };
  /// losses[r] = log_sum_exp[r] - sum_c q_c logits[r, c], with q_c = smoothing / classes, plus 1 - smoothing
  /// at the target.
  void (*forward)(const Forward& work) = nullptr;

  struct Backward : CrossEntropyRows {
    const void* log_sum_exp = nullptr;  ///< [rows]
    double scale = 1;
    const void* row_scale = nullptr;    ///< [rows], a further factor of each row; or null
    DType gradient_dtype = DType::f32;  ///< of the same computing precision as dtype
    void* gradient = nullptr;           ///< [rows, classes], 0 in ignored rows; may be the logits themselves
  };
  /// gradient[r, c] = scale row_scale[r] (exp(logits[r, c] - log_sum_exp[r]) - q_c).
  void (*backward)(const Backward& work) = nullptr;
};

}  // namespace attend::backend
