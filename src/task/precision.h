#pragma once

#include <string_view>

#include "attend/tensor/dtype.h"

namespace attend::task {

/// What a trained model computes in: f32, bf16, or for "auto" bf16 where the processor has it. Throws Error
/// for other names.
DType dtype_of_precision(std::string_view precision);

}  // namespace attend::task
