#pragma once

#include "attend/tensor/tensor.h"
#include "backend/kernels/arithmetic.h"

namespace attend::op {

/// function(a, b), element by element with broadcasting, off the tape; a and b of one floating dtype. Throws
/// Error when the shapes do not broadcast.
Tensor binary(backend::BinaryFunction function, const Tensor& a, const Tensor& b);

/// factor x + term, dense and off the tape.
Tensor affine(const Tensor& x, double factor, double term);

}  // namespace attend::op
