#include "op/sum_to_shape.h"

#include "backend/cast.h"
#include "op/column_sum.h"

namespace attend::op {

namespace {

// Sums one axis: [outer, n, inner] to [outer, inner].
Tensor sum_axis(const Tensor& tensor, int axis) {
  std::int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= tensor.shape()[i];
  for (int i = axis + 1; i < tensor.rank(); ++i) inner *= tensor.shape()[i];
  const std::int64_t n = tensor.shape()[axis];
  Shape shape = tensor.shape();
  shape.set(axis, 1);
  const DType sum_dtype = tensor.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const Tensor result = Tensor::empty(shape, sum_dtype);
  for (std::int64_t o = 0; o < outer; ++o) {
    const Tensor block = tensor.view_as({n, inner}, {inner, 1}, o * n * inner);
    result.view_as({inner}, {1}, o * inner).copy_from(column_sum(block));
  }
  return backend::cast(result, tensor.dtype());
}

}  // namespace

Tensor sum_to_shape(const Tensor& gradient, const Shape& shape) {
  if (gradient.shape() == shape) return gradient;
  Tensor result = gradient.is_contiguous() ? gradient : gradient.clone();
  const int extra = gradient.rank() - shape.rank();
  for (int axis = 0; axis < gradient.rank(); ++axis) {
    const std::int64_t wanted = axis < extra ? 1 : shape[axis - extra];
    if (result.shape()[axis] != wanted) result = sum_axis(result, axis);
  }
  return result.view_as(shape, row_major_strides(shape));
}

}  // namespace attend::op
