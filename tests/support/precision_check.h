#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "attend/autograd/tape.h"

namespace attend::test {

using Function = std::function<autograd::Tensors(const autograd::Tensors&)>;

struct PrecisionCheck {
  DType dtype = DType::f32;
  double relative = 1e-5, absolute = 1e-5;  ///< beside |value in double precision|
  std::uint64_t seed = 4321;                ///< of the random cotangents
};

/// Runs the function and its backward in f64 and in another dtype, from the same numbers (f64 inputs, rounded
/// to bf16 here), and compares all outputs and all gradients.
::testing::AssertionResult follows_double_precision(const Function& function, const autograd::Tensors& inputs,
                                                    const PrecisionCheck& check);

/// The same in f32 (1e-5 beside the value, unless `tolerance` is larger) and in bf16 (2e-2).
::testing::AssertionResult follows_double_precision(const Function& function, const autograd::Tensors& inputs,
                                                    double tolerance = 1e-5);

/// Runs the function and its backward with one and with two threads; passes when all outputs and gradients
/// are equal bit for bit.
::testing::AssertionResult same_bits_for_threads(const Function& function, const autograd::Tensors& inputs);

}  // namespace attend::test
