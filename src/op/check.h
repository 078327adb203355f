#pragma once

#include <string_view>

#include "attend/tensor/tensor.h"

namespace attend::op {

/// Throws Error that names the operation unless the dtype is f32, bf16 or f64.
void check_floating(std::string_view operation, const Tensor& x);
/// The same, and unless both have one dtype and shapes that broadcast.
void check_floating_pair(std::string_view operation, const Tensor& a, const Tensor& b);

}  // namespace attend::op
