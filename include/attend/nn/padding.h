#pragma once

#include <cstdint>

#include "attend/tensor/tensor.h"

namespace attend::nn {

/// Which tokens of a padded batch are real: bool [batch, length], true at the first lengths[b] places of row
/// b. lengths: i32 [batch]. Throws Error for another dtype or shape, and for a length outside [1, length].
Tensor real_tokens(const Tensor& lengths, std::int64_t batch, std::int64_t length);

}  // namespace attend::nn
