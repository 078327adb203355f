#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

enum class BinaryFunction {
  add,
  subtract,
  multiply,
  divide,
  maximum,  ///< NaN when either is
  minimum,  ///< NaN when either is
  equal,    ///< 1 or 0
  above     ///< 1 where a > b, 1/2 where a = b, else 0: the derivative of maximum by a
};

enum class UnaryFunction { exponential, logarithm, square_root, inverse_square_root, square, absolute };

/// A matrix whose column stride is 1, or 0 for one element repeated along the row. Strides are in elements.
struct MatrixOperand {
  const void* data = nullptr;
  std::int64_t row_stride = 0, column_stride = 1;
};

/// dtypes: f32, bf16 (computed in f32), f64.
struct ArithmeticKernels {
  /// out[r, c] = function(a[r, c], b[r, c]); rows of out are dense.
  void (*binary)(BinaryFunction function, DType dtype, const MatrixOperand& a, const MatrixOperand& b,
                 void* out, std::int64_t out_row_stride, std::int64_t rows, std::int64_t columns) = nullptr;
  /// out[i] = factor in[i] + term, dense.
  void (*affine)(DType dtype, const void* in, double factor, double term, void* out,
                 std::int64_t count) = nullptr;
  /// out[i] = function(in[i]), dense.
  void (*unary)(UnaryFunction function, DType dtype, const void* in, void* out, std::int64_t count) = nullptr;
  /// dx[i] = dy[i] function'(x[i]), dense. `saved` is y = function(x) for exponential, square_root and
  /// inverse_square_root, x otherwise.
  void (*unary_gradient)(UnaryFunction function, DType dtype, const void* saved, const void* dy, void* dx,
                         std::int64_t count) = nullptr;
};

}  // namespace attend::backend
