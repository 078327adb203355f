#include "attend/op/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>

#include "attend/base/error.h"
#include "op/sum_to_shape.h"
#include "op/view.h"

namespace attend::op {

namespace {

using autograd::Tensors;

std::vector<int> checked_axes(const Tensor& x, const std::vector<int>& axes) {
  std::vector<int> result, seen(static_cast<std::size_t>(x.rank()));
  const auto fail = [&] {
    throw Error(fmt::format("permute of {} by axes [{}]: each of its {} axes once needed", x.text(),
                            fmt::join(axes, ", "), x.rank()));
  };
  for (const int axis : axes) {
    const int place = axis < 0 ? axis + x.rank() : axis;
    if (place < 0 || place >= x.rank() || seen[static_cast<std::size_t>(place)]++ != 0) fail();
    result.push_back(place);
  }
  if (static_cast<int>(result.size()) != x.rank()) fail();
  return result;
}

// Each piece as a view.
Tensors pieces_of(const Tensor& x, int axis, const std::vector<std::int64_t>& sizes) {
  Tensors pieces;
  std::int64_t begin = 0;
  for (const std::int64_t size : sizes) {
    pieces.push_back(narrowed(x, axis, begin, begin + size));
    begin += size;
  }
  return pieces;
}

// The pieces side by side; an undefined one counts as zeros.
Tensor joined(const Tensors& pieces, const Shape& shape, DType dtype, int axis,
              const std::vector<std::int64_t>& sizes) {
  const Tensor result = Tensor::empty(shape, dtype);
  const Tensors places = pieces_of(result, axis, sizes);
  for (std::size_t i = 0; i < places.size(); ++i)
    places[i].copy_from(pieces[i].defined() ? pieces[i]
                                            : expanded(Tensor::zeros({}, dtype), places[i].shape()));
  return result;
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  if (shape.elements() != x.elements())
    throw Error(fmt::format("reshape of {} to {}: {} elements against {}", x.text(), shape.text(),
                            x.elements(), shape.elements()));
  const Tensor y = reshaped(x, shape);
  if (autograd::is_recording({x}))
    autograd::record("reshape", {x}, {y}, [old = x.shape()](const Tensors& gradients) {
      return Tensors{reshaped(gradients[0], old)};
    });
  return y;
}

Tensor permute(const Tensor& x, const std::vector<int>& axes) {
  const std::vector<int> order = checked_axes(x, axes);
  const Tensor y = permuted(x, order);
  if (autograd::is_recording({x})) {
    std::vector<int> inverse(order.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      inverse[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
    autograd::record("permute", {x}, {y}, [inverse](const Tensors& gradients) {
      return Tensors{permuted(gradients[0], inverse)};
    });
  }
  return y;
}

Tensor transpose(const Tensor& x, int first, int second) {
  std::vector<int> axes(static_cast<std::size_t>(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  std::swap(axes[static_cast<std::size_t>(x.shape().normalise(first))],
            axes[static_cast<std::size_t>(x.shape().normalise(second))]);
  return permute(x, axes);
}

Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end) {
  const int place = x.shape().normalise(axis);
  if (begin < 0 || end < begin || end > x.shape()[place])
    throw Error(fmt::format("slice [{}, {}) of axis {} of {}: 0 <= begin <= end <= {} needed", begin, end,
                            axis, x.text(), x.shape()[place]));
  const Tensor y = narrowed(x, place, begin, end);
  if (autograd::is_recording({x}))
    autograd::record("slice", {x}, {y}, [shape = x.shape(), place, begin, end](const Tensors& gradients) {
      const Tensor& dy = gradients[0];
      return Tensors{
          joined({{}, dy, {}}, shape, dy.dtype(), place, {begin, end - begin, shape[place] - end})};
    });
  return y;
}

Tensors split(const Tensor& x, int axis, const std::vector<std::int64_t>& sizes) {
  const int place = x.shape().normalise(axis);
  std::int64_t rest = x.shape()[place];
  bool fits = !sizes.empty();
  for (const std::int64_t size : sizes) {
    fits = fits && size >= 0 && size <= rest;
    if (fits) rest -= size;
  }
  if (!fits || rest != 0)
    throw Error(fmt::format("split of axis {} of {} into [{}]: the sizes must add up to {}", axis, x.text(),
                            fmt::join(sizes, ", "), x.shape()[place]));
  const Tensors pieces = pieces_of(x, place, sizes);
  if (autograd::is_recording({x}))
    autograd::record("split", {x}, pieces,
                     [shape = x.shape(), dtype = x.dtype(), place, sizes](const Tensors& gradients) {
                       return Tensors{joined(gradients, shape, dtype, place, sizes)};
                     });
  return pieces;
}

Tensor concatenate(const Tensors& tensors, int axis) {
  if (tensors.empty()) throw Error("concatenate of no tensors: at least one needed");
  const Tensor& first = tensors[0];
  const int place = first.shape().normalise(axis);
  Shape shape = first.shape();
  std::vector<std::int64_t> sizes;
  std::int64_t total = 0;
  for (const Tensor& tensor : tensors) {
    bool fits = tensor.dtype() == first.dtype() && tensor.rank() == first.rank();
    for (int i = 0; fits && i < first.rank(); ++i) fits = i == place || tensor.shape()[i] == first.shape()[i];
    if (!fits)
      throw Error(
          fmt::format("concatenate of {} and {} along axis {}: dtypes and all other axes must be equal",
                      first.text(), tensor.text(), axis));
    sizes.push_back(tensor.shape()[place]);
    total += sizes.back();
  }
  shape.set(place, total);
  const Tensor y = joined(tensors, shape, first.dtype(), place, sizes);
  if (autograd::is_recording(tensors))
    autograd::record("concatenate", tensors, {y}, [place, sizes](const Tensors& gradients) {
      return pieces_of(gradients[0], place, sizes);
    });
  return y;
}

Tensor expand(const Tensor& x, const Shape& shape) {
  const Tensor y = expanded(x, shape);
  if (autograd::is_recording({x}))
    autograd::record("expand", {x}, {y}, [old = x.shape()](const Tensors& gradients) {
      return Tensors{sum_to_shape(gradients[0], old)};
    });
  return y;
}

Tensor contiguous(const Tensor& x) {
  if (x.is_contiguous()) return x;
  const Tensor y = x.clone();
  if (autograd::is_recording({x}))
    autograd::record("contiguous", {x}, {y}, [](const Tensors& gradients) { return gradients; });
  return y;
}

}  // namespace attend::op
