#pragma once

#include <cstddef>
#include <cstdint>

#include "attend/tensor/tensor.h"

// Places in dense tensors and the size of the chunks that parallel loops over their rows take.
namespace attend::op {

/// The address of an element of a dense tensor; null for an undefined one.
inline std::byte* place(const Tensor& tensor, std::int64_t element) {
  if (!tensor.defined()) return nullptr;
  return static_cast<std::byte*>(tensor.raw()) + element * static_cast<std::int64_t>(size_of(tensor.dtype()));
}

/// Elements of a chunk: enough work to hide the cost of handing it to a thread, few enough to stay in its
/// cache.
constexpr std::int64_t kChunkElements = 1 << 14;

/// The rows of a chunk, from the elements of a row alone.
constexpr std::int64_t rows_of_chunk(std::int64_t columns) {
  return columns <= 0 ? kChunkElements : (kChunkElements + columns - 1) / columns;
}

/// The type that parameters, statistics and sums have beside a floating dtype.
constexpr DType parameter_dtype(DType dtype) {
  return dtype == DType::f64 ? DType::f64 : DType::f32;
}

}  // namespace attend::op
