#pragma once

#include <cstdint>

#include "attend/op/size2.h"
#include "attend/tensor/tensor.h"

namespace attend::op {

enum class PoolingMode : std::uint8_t {
  max,
  average,         ///< padding counts as zeros
  average_inside,  ///< only places inside the maps count
};

struct PoolingOptions {
  PoolingMode mode = PoolingMode::max;
  Size2 window = 2;
  Size2 stride = 2;
  Size2 padding = 0;  ///< on every side, at most half of the window
};

/// The largest or the mean of the places of each window, channel by channel.
///
/// x: [batch, height, width, channels], f32, bf16 or f64. Result [batch, (height + 2 padding - window) /
/// stride
/// + 1, the same of the width, channels] of x's dtype. The gradient of a largest value goes to the first of
/// equal ones. The same bits for any number of threads. Throws Error for shapes, dtypes and options that do
/// not fit. The mean of whole maps is op::mean(x, {.axes = {1, 2}}).
Tensor pool(const Tensor& x, const PoolingOptions& options = {});

}  // namespace attend::op
