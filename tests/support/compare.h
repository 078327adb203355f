#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "attend/tensor/tensor.h"

namespace attend::test {

/// Passes when the shapes are equal and every |got - expected| <= absolute + relative * |expected|. Reports
/// the first place where that does not hold; NaN never holds, and an empty comparison fails.
inline ::testing::AssertionResult close(const Tensor& got, const Tensor& expected, double relative,
                                        double absolute) {
  if (!got.defined() || !expected.defined()) return ::testing::AssertionFailure() << "an undefined tensor";
  if (!(got.shape() == expected.shape()))
    return ::testing::AssertionFailure()
           << "shape " << got.shape().text() << ", expected " << expected.shape().text();
  const std::vector<double> a = got.to_vector<double>(), b = expected.to_vector<double>();
  if (a.empty()) return ::testing::AssertionFailure() << "nothing was compared";
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(a[i] - b[i]), tolerance = absolute + relative * std::abs(b[i]);
    if (!(error <= tolerance))
      return ::testing::AssertionFailure() << "element " << i << ": got " << a[i] << ", expected " << b[i]
                                           << ", error " << error << " above " << tolerance;
  }
  return ::testing::AssertionSuccess();
}

/// Passes when shape, dtype and every bit are equal.
inline ::testing::AssertionResult same_bits(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype())
    return ::testing::AssertionFailure() << a.text() << " against " << b.text();
  const Tensor x = a.clone(), y = b.clone();
  const auto* p = static_cast<const unsigned char*>(x.raw());
  const auto* q = static_cast<const unsigned char*>(y.raw());
  for (std::size_t i = 0; i < static_cast<std::size_t>(x.elements()) * size_of(x.dtype()); ++i)
    if (p[i] != q[i]) return ::testing::AssertionFailure() << "byte " << i << " differs";
  return ::testing::AssertionSuccess();
}

}  // namespace attend::test
