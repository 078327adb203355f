#pragma once

#include <vector>

#include "attend/autograd/tape.h"
#include "attend/tensor/tensor.h"

/// Operations that change how elements are arranged, for every dtype. Results are views of the same memory
/// wherever strides can express them. Axes may be negative: they count from the end. Each throws Error when
/// axes, ranges or shapes do not fit.
namespace attend::op {

/// The elements, in row-major order, in another shape of as many. Copies only when the strides of x allow no
/// view.
Tensor reshape(const Tensor& x, const Shape& shape);
/// Axis i of the result is axis axes[i] of x; each axis once. A view.
Tensor permute(const Tensor& x, const std::vector<int>& axes);
/// Two axes exchanged. A view.
Tensor transpose(const Tensor& x, int first = -2, int second = -1);
/// The elements [begin, end) of an axis, 0 <= begin <= end <= size. A view.
Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end);
/// Consecutive slices of the given sizes, which add up to the size of the axis. Views, one operation on the
/// tape: backward joins their gradients once.
autograd::Tensors split(const Tensor& x, int axis, const std::vector<std::int64_t>& sizes);
/// The tensors one after the other along an axis; one dtype, and equal sizes of all other axes. At least one
/// tensor.
Tensor concatenate(const autograd::Tensors& tensors, int axis);
/// x repeated to a shape that it broadcasts to. A view; its elements must not be written to.
Tensor expand(const Tensor& x, const Shape& shape);
/// x itself when its elements lie row-major without gaps, otherwise a copy that does.
Tensor contiguous(const Tensor& x);

}  // namespace attend::op
