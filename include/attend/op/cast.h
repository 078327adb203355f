#pragma once

#include "attend/tensor/tensor.h"

namespace attend::op {

/// The elements in another dtype; x itself when it has that dtype already. f32, bf16 and f64 round to
/// nearest; to an integer the fraction is cut off, and numbers outside its range give no defined value; a
/// boolean is x != 0. Gradients flow between floating dtypes.
Tensor cast(const Tensor& x, DType dtype);

}  // namespace attend::op
