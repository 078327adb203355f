#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "attend/autograd/tape.h"

namespace attend::test {

using Function = std::function<autograd::Tensors(const autograd::Tensors&)>;

/// Uniform numbers in [low, high) as f64, each a bf16 number, so that every precision starts from the same
/// ones.
Tensor random_bf16_values(const Shape& shape, std::uint64_t seed, double low = -1, double high = 1);

/// The outputs of function(inputs), the inputs converted to dtypes[i], followed by the gradients of all
/// inputs for random cotangents that are the same in every precision.
autograd::Tensors run_in(const std::vector<DType>& dtypes, const Function& function,
                         const autograd::Tensors& inputs);

/// Passes when a function whose outputs and inputs all have the same rows (axis 0) gives the same outputs and
/// gradients, up to rounding in f32, for all rows at once and for `rows` at a time: no part of a large tensor
/// is read or written at the wrong place.
::testing::AssertionResult same_in_pieces(const Function& function, const autograd::Tensors& inputs,
                                          std::int64_t rows);

}  // namespace attend::test
