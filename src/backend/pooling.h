#pragma once

#include <array>
#include <cstdint>

#include "attend/tensor/tensor.h"

namespace attend::backend {

enum class Pool : std::uint8_t {
  largest,
  average,         ///< divided by the size of the window, padding counts as zeros
  average_inside,  ///< divided by the places of the window that are not padding
};

/// Windows over feature maps [batch, height, width, channels]. Pairs are height and width.
struct PoolingShape {
  Pool pool = Pool::largest;
  std::int64_t batch = 0, channels = 0;
  std::array<std::int64_t, 2> size = {0, 0}, window = {1, 1}, stride = {1, 1}, padding = {0, 0},
                              out_size = {0, 0};
};

/// y of dense x, both f32, bf16 or f64. Returns what input_gradient needs to know of where the largest were;
/// undefined when `keep` is false and for averages. The same bits for any number of threads. Throws Error
/// with oneDNN's reason.
Tensor pooling(const PoolingShape& shape, const Tensor& x, const Tensor& y, bool keep);
/// dx of dy, with what pooling() returned.
void pooling_input_gradient(const PoolingShape& shape, const Tensor& dy, const Tensor& kept,
                            const Tensor& dx);

}  // namespace attend::backend
