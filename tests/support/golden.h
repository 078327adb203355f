#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "attend/autograd/tape.h"

namespace attend::test {

/// One case of a file that a tests/golden/make_*.py script wrote (see golden.py): what PyTorch computed in
/// double precision. Each list is as long as the highest index in the file; tensors the file does not hold
/// are undefined.
struct GoldenCase {
  autograd::Tensors inputs, outputs, cotangents, gradients;
};

/// Reads a case of tests/golden/FILE, its floating tensors as they are there: f64. Throws Error when the file
/// or the case is missing.
GoldenCase load_golden(const std::string& file, const std::string& name);

struct GoldenCheck {
  /// The floating inputs and cotangents are given in this dtype.
  DType dtype = DType::f64;
  /// Tolerance beside |expected|, and beside zero. Negative: 1e-12 for f64, 1e-5 for f32, 2e-2 for bf16.
  double relative = -1, absolute = -1;
};

/// Runs the function on the inputs of a case and its backward on the cotangents; compares the outputs and the
/// gradients of all floating inputs with the case's. Fails when there is nothing to compare, when the number
/// of outputs differs, or when a gradient is missing on either side.
::testing::AssertionResult golden_matches(
    const std::string& file, const std::string& name,
    const std::function<autograd::Tensors(const autograd::Tensors&)>& function,
    const GoldenCheck& check = {});

}  // namespace attend::test
