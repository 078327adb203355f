#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "attend/autograd/tape.h"

namespace attend::test {

struct GradientCheck {
  double step = 1e-6;      ///< of the central difference
  double relative = 1e-6;  ///< tolerance beside |numeric gradient|
  double absolute = 1e-7;
  std::uint64_t seed = 1234;  ///< of the random cotangents
};

/// Compares the gradients of all inputs, by the tape, with central differences, element by element, in f64.
/// Each output is projected on a random cotangent, so that no gradient cancels by symmetry. Inputs must be
/// dense f64 leaves; integer inputs belong in the closure.
::testing::AssertionResult gradients_match(
    const std::function<autograd::Tensors(const autograd::Tensors&)>& function,
    const autograd::Tensors& inputs, const GradientCheck& options = {});

}  // namespace attend::test
