#include "op/sum_to_shape.h"

#include "backend/cast.h"
#include "op/reduce_axes.h"

namespace attend::op {

Tensor sum_to_shape(const Tensor& gradient, const Shape& shape) {
  if (gradient.shape() == shape) return gradient;
  const int extra = gradient.rank() - shape.rank();
  AxisSet axes;
  for (int axis = 0; axis < gradient.rank(); ++axis) {
    const std::int64_t wanted = axis < extra ? 1 : shape[axis - extra];
    axes[static_cast<std::size_t>(axis)] = axis < extra || gradient.shape()[axis] != wanted;
  }
  const Tensor sum = reduce_axes(backend::Reduction::sum, gradient, axes);
  return backend::cast(sum, gradient.dtype()).view_as(shape, row_major_strides(shape));
}

}  // namespace attend::op
