#include "op/view.h"

#include <fmt/format.h>

#include <optional>

#include "attend/base/error.h"

namespace attend::op {

namespace {

// The strides that give x's memory another shape without moving an element, if there are any.
std::optional<Shape> strides_of_reshape(const Tensor& x, const Shape& shape) {
  if (x.is_contiguous()) return row_major_strides(shape);
  Shape sizes, old_strides;
  for (int i = 0; i < x.rank(); ++i) {
    if (x.shape()[i] == 1) continue;
    sizes.append(x.shape()[i]);
    old_strides.append(x.strides()[i]);
  }
  Shape strides = row_major_strides(shape);
  // Groups of old and of new axes with equal products, from the outside; in each the old axes must lie in
  // memory as one axis does.
  int next_old = 0, next = 0;
  while (next_old < sizes.rank() && next < shape.rank()) {
    const int first_old = next_old, first = next;
    std::int64_t old_product = sizes[next_old++], product = shape[next++];
    while (old_product != product) {
      if (old_product < product)
        old_product *= sizes[next_old++];
      else
        product *= shape[next++];
    }
    for (int i = first_old; i + 1 < next_old; ++i)
      if (old_strides[i] != sizes[i + 1] * old_strides[i + 1]) return std::nullopt;
    std::int64_t step = old_strides[next_old - 1];
    for (int i = next - 1; i >= first; --i) {
      strides.set(i, step);
      step *= shape[i];
    }
  }
  return strides;
}

}  // namespace

Tensor reshaped(const Tensor& x, const Shape& shape) {
  if (const auto strides = strides_of_reshape(x, shape)) return x.view_as(shape, *strides);
  return x.clone().view_as(shape, row_major_strides(shape));
}

Tensor permuted(const Tensor& x, std::span<const int> axes) {
  Shape shape, strides;
  for (const int axis : axes) {
    shape.append(x.shape()[axis]);
    strides.append(x.strides()[axis]);
  }
  return x.view_as(shape, strides);
}

Tensor narrowed(const Tensor& x, int axis, std::int64_t begin, std::int64_t end) {
  Shape shape = x.shape();
  shape.set(axis, end - begin);
  return x.view_as(shape, x.strides(), shape.elements() == 0 ? 0 : begin * x.strides()[axis]);
}

Tensor expanded(const Tensor& x, const Shape& shape) {
  const int extra = shape.rank() - x.rank();
  bool fits = extra >= 0;
  Shape strides = shape;
  for (int i = 0; fits && i < shape.rank(); ++i) {
    const bool repeated = i < extra || (x.shape()[i - extra] == 1 && shape[i] != 1);
    strides.set(i, repeated ? 0 : x.strides()[i - extra]);
    fits = repeated || x.shape()[i - extra] == shape[i];
  }
  if (!fits) throw Error(fmt::format("expand of {}: it does not broadcast to {}", x.text(), shape.text()));
  return x.view_as(shape, strides);
}

}  // namespace attend::op
