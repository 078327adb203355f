#pragma once

#include <cstddef>
#include <span>

#include "attend/tensor/tensor.h"

// Views and copies off the tape, for the forward and backward passes of operations.
namespace attend::op {

/// The tensor itself when its elements lie row-major without gaps, otherwise a copy that does.
inline Tensor dense(const Tensor& x) {
  return x.is_contiguous() ? x : x.clone();
}

/// The place of an element of a dense tensor.
inline std::byte* bytes_at(const Tensor& x, std::int64_t element) {
  return static_cast<std::byte*>(x.raw()) + element * static_cast<std::int64_t>(size_of(x.dtype()));
}

/// The elements in another shape of as many: a view where the strides allow it, a dense copy otherwise.
Tensor reshaped(const Tensor& x, const Shape& shape);
/// Axis i of the view is axis axes[i] of x.
Tensor permuted(const Tensor& x, std::span<const int> axes);
/// The elements [begin, end) of an axis, a view.
Tensor narrowed(const Tensor& x, int axis, std::int64_t begin, std::int64_t end);
/// The view of a shape that x broadcasts to: repeated axes get the stride 0. Throws Error when it does not.
Tensor expanded(const Tensor& x, const Shape& shape);

}  // namespace attend::op
