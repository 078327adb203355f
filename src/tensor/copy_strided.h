#pragma once

#include "attend/tensor/tensor.h"

namespace attend {

/// Copies all elements between tensors of one shape and dtype, whatever their strides.
void copy_strided(const Tensor& from, const Tensor& to);

}  // namespace attend
