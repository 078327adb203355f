#pragma once

#include <optional>
#include <string_view>

#include "attend/tensor/tensor.h"

namespace attend::op {

/// Integers of i32 or i64 as a dense i64 tensor of the same shape. Throws Error, starting with `what`, that
/// names the first one outside [0, bound) and its place, unless it equals `also`.
Tensor checked_indices(std::string_view what, const Tensor& integers, std::int64_t bound,
                       std::optional<std::int64_t> also = {});

}  // namespace attend::op
