#pragma once

#include "attend/tensor/tensor.h"

namespace attend::backend {

/// A dense copy with another dtype, off the tape. Between any two dtypes; floating to floating is vectorised.
Tensor cast(const Tensor& tensor, DType dtype);

}  // namespace attend::backend
