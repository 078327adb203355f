#pragma once

#include "attend/base/random.h"
#include "attend/tensor/tensor.h"

namespace attend::test {

/// Uniform numbers in [low, high), the same for the same seed.
Tensor random_tensor(const Shape& shape, DType dtype, std::uint64_t seed, double low = -1, double high = 1);
/// Uniform integers in [0, bound).
Tensor random_integers(const Shape& shape, std::int64_t bound, std::uint64_t seed, DType dtype = DType::i32);

}  // namespace attend::test
