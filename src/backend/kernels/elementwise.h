#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

struct ElementwiseKernels {
  /// out[i] = a[i] + b[i] for i < count; f32, bf16 or f64, dense.
  void (*add)(DType dtype, const void* a, const void* b, void* out, std::int64_t count) = nullptr;
  /// out[i] = in[i] converted between f32, bf16 and f64, dense.
  void (*cast)(DType from, const void* in, DType to, void* out, std::int64_t count) = nullptr;
};

}  // namespace attend::backend
