#pragma once

#include <cstdint>

#include "attend/backend/activation.h"
#include "attend/tensor/dtype.h"

namespace attend::backend {

/// True for the activations whose slope is computed from their output, so that nothing else need be kept.
constexpr bool slope_from_output(Activation activation) {
  return activation == Activation::relu || activation == Activation::tanh ||
         activation == Activation::sigmoid;
}

/// Dense arrays of f32, bf16 or f64; bf16 is computed in f32. Limits are taken at plus and minus infinity.
struct ActivationKernels {
  /// y[i] = f(x[i]) for i < count.
  void (*forward)(DType dtype, Activation activation, const void* x, void* y, std::int64_t count) = nullptr;
  /// dx[i] = dy[i] f'(x[i]); `saved` is y where slope_from_output() and x otherwise.
  void (*backward)(DType dtype, Activation activation, const void* saved, const void* dy, void* dx,
                   std::int64_t count) = nullptr;
  /// y[r, c] = f(x[r, c]) x[r, width + c] for c < width; x [rows, 2 width], y [rows, width].
  void (*gated_forward)(DType dtype, Activation activation, const void* x, void* y, std::int64_t rows,
                        std::int64_t width) = nullptr;
  /// dx[r, c] = dy[r, c] x[r, width + c] f'(x[r, c]) and dx[r, width + c] = dy[r, c] f(x[r, c]).
  void (*gated_backward)(DType dtype, Activation activation, const void* x, const void* dy, void* dx,
                         std::int64_t rows, std::int64_t width) = nullptr;
};

}  // namespace attend::backend
