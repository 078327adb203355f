#pragma once

#include "attend/tensor/tensor.h"

namespace attend::op {

/// a where the mask is true, b elsewhere. mask: bool; a and b: one dtype, any. The three shapes broadcast by
/// NumPy's rules. An element that is not chosen has no influence, be it NaN. Throws Error otherwise.
Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b);

}  // namespace attend::op
