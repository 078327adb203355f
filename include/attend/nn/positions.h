#pragma once

#include "attend/tensor/tensor.h"

namespace attend::nn {

/// The fixed positions of Vaswani et al. (2017): f64 [count, dim], row t = (sin(t w_0), cos(t w_0), sin(t
/// w_1), ...), w_i = 10000^(-2 i / dim). Throws Error unless dim is even and both are at least 1.
Tensor sinusoidal_positions(std::int64_t count, std::int64_t dim);

}  // namespace attend::nn
