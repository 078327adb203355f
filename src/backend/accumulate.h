#pragma once

#include "attend/tensor/tensor.h"

namespace attend::backend {

/// sum = a + b, element by element; dense tensors of one shape and floating dtype.
void add(const Tensor& a, const Tensor& b, const Tensor& sum);

}  // namespace attend::backend
