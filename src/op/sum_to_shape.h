#pragma once

#include "attend/tensor/tensor.h"

namespace attend::op {

/// The transpose of broadcasting: sums a gradient over the axes along which an operand of the given shape was
/// repeated. Off the tape; the result has the gradient's dtype.
Tensor sum_to_shape(const Tensor& gradient, const Shape& shape);

}  // namespace attend::op
