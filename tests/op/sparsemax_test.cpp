#include "attend/op/sparsemax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_tensor;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensors sparsemax_of(const Tensors& x) {
  return {op::sparsemax(x[0])};
}
Tensors entmax15_of(const Tensors& x) {
  return {op::entmax15(x[0])};
}

// y with the threshold found by bisection: sum_i max(0, x_i / power - t)^power falls with t.
std::vector<double> by_bisection(const std::vector<double>& x, int power) {
  const double largest = *std::max_element(x.begin(), x.end()) / power;
  double low = largest - 1, high = largest;
  std::vector<double> y(x.size());
  for (int step = 0; step < 200; ++step) {
    const double t = (low + high) / 2;
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += y[i] = std::pow(std::max(0.0, x[i] / power - t), power);
    (sum > 1 ? low : high) = t;
  }
  return y;
}

TEST(Sparsemax, AgreesWithPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    EXPECT_TRUE(test::golden_matches("sparsemax.safetensors", "sparsemax", sparsemax_of, {.dtype = dtype}));
    EXPECT_TRUE(test::golden_matches("sparsemax.safetensors", "entmax15", entmax15_of, {.dtype = dtype}));
  }
}

TEST(Sparsemax, IsItsDefinitionAndDerivativeAtAwkwardSizes) {
  for (const std::int64_t n : {1, 2, 3, 7, 16, 65, 1000})
    for (const double range : {0.01, 1.0, 8.0}) {
      const Tensor x = random_tensor({3, n}, DType::f64, 1, -range, range);
      const auto in = x.to_vector<double>();
      for (const int power : {1, 2}) {
        const auto& function = power == 1 ? sparsemax_of : entmax15_of;
        const auto y = function({x})[0].to_vector<double>();
        for (std::int64_t row = 0; row < 3; ++row) {
          const auto expected = by_bisection({in.begin() + row * n, in.begin() + (row + 1) * n}, power);
          double sum = 0;
          for (std::int64_t i = 0; i < n; ++i) {
            const double got = y[static_cast<std::size_t>(row * n + i)];
            ASSERT_NEAR(got, expected[static_cast<std::size_t>(i)], 1e-13) << n << " " << range;
            sum += got;
          }
          ASSERT_NEAR(sum, 1, 1e-12);
        }
        if (n < 70) {
          EXPECT_TRUE(test::gradients_match(function, {x.clone()})) << n << " " << range << " " << power;
        }
        // Near the edge of the support the root of a small weight carries the rounding of x to f32.
        EXPECT_TRUE(test::follows_double_precision(function, {x.clone()}, 1e-4)) << n << " " << range;
      }
    }
}

TEST(Sparsemax, MeetsTheConditionsOfItsOptimum) {
  // y maximises <x, y> + H(y) over the simplex: the derivative by y_i is one number on the support and not
  // larger elsewhere. H is -|y|^2 / 2 for sparsemax and 4/3 sum (y_i - y_i^1.5) for entmax.
  const Tensor x = random_tensor({20, 31}, DType::f64, 3, -2, 2);
  const auto in = x.to_vector<double>();
  for (const int power : {1, 2}) {
    const auto y = (power == 1 ? op::sparsemax(x) : op::entmax15(x)).to_vector<double>();
    bool some_zero = false;
    for (std::size_t row = 0; row < 20; ++row) {
      double level = -kInfinity;
      const auto slope = [&](std::size_t i) {
        return power == 1 ? in[i] - y[i] : in[i] - 2 * std::sqrt(y[i]);
      };
      for (std::size_t i = row * 31; i < (row + 1) * 31; ++i)
        if (y[i] > 0) level = slope(i);
      for (std::size_t i = row * 31; i < (row + 1) * 31; ++i) {
        if (y[i] > 1e-20) {
          EXPECT_NEAR(slope(i), level, 1e-9);
        } else {
          EXPECT_LE(slope(i), level + 1e-9);
        }
        some_zero = some_zero || y[i] == 0;
      }
    }
    EXPECT_TRUE(some_zero);
  }
}

TEST(Sparsemax, EqualScoresShareAndLargeOnesDoNotOverflow) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64})
    for (const auto& function : {sparsemax_of, entmax15_of}) {
      const Tensor x = Tensor::full({2, 20}, dtype == DType::f64 ? 1e300 : 1e30, dtype);
      EXPECT_TRUE(test::close(function({x})[0], Tensor::full({2, 20}, 0.05, DType::f64), 4e-3, 0));
    }
}

TEST(Sparsemax, MaskedElementsAreZeroAndAMaskedRowIsZeroWithFiniteGradients) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64})
    for (const auto& function : {sparsemax_of, entmax15_of}) {
      const Tensor x = Tensor::full({2, 5}, -kInfinity, dtype);
      op::slice(op::slice(x, 0, 1, 2), 1, 1, 3).copy_from(Tensor::zeros({1, 2}, dtype));
      autograd::set_requires_grad(x);
      const Tensor y = function({x})[0];
      const Tensor expected = Tensor::from(std::vector<double>{0, 0, 0, 0, 0, 0, 0.5, 0.5, 0, 0}, {2, 5});
      EXPECT_TRUE(test::close(y, expected, 1e-6, 0));
      const auto dx = autograd::gradients({y}, {x}, {random_tensor({2, 5}, dtype, 1)})[0].to_vector<double>();
      for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_TRUE(std::isfinite(dx[i])) << i;
        if (i != 6 && i != 7) {
          EXPECT_EQ(dx[i], 0) << i;
        }
      }
    }
}

TEST(Sparsemax, NaNFillsItsRowAndNoOther) {
  for (const auto& function : {sparsemax_of, entmax15_of})
    for (const std::int64_t place : {0, 5, 18}) {
      const Tensor x = Tensor::zeros({2, 19});
      x.data<float>()[place] = std::numeric_limits<float>::quiet_NaN();
      const auto y = function({x})[0].to_vector<double>();
      for (std::size_t i = 0; i < 38; ++i) EXPECT_EQ(std::isnan(y[i]), i < 19) << i;
    }
}

TEST(Sparsemax, ReadsStridedInputsAndGradients) {
  for (const auto& function : {sparsemax_of, entmax15_of})
    EXPECT_TRUE(test::gradients_match(
        [&](const Tensors& x) {
          return Tensors{op::transpose(function({op::transpose(op::slice(x[0], 1, 2, 6))})[0])};
        },
        {random_tensor({5, 7}, DType::f64, 1)}));
}

TEST(Sparsemax, SameBitsForAnyNumberOfThreads) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const auto& function : {sparsemax_of, entmax15_of})
      EXPECT_TRUE(test::same_bits_for_threads(function, {random_tensor({300, 257}, dtype, 1)}));
}

TEST(Sparsemax, EmptyTensorsGiveEmptyResults) {
  EXPECT_TRUE(op::sparsemax(Tensor::zeros({0, 3})).shape() == (Shape{0, 3}));
  EXPECT_TRUE(op::entmax15(Tensor::zeros({3, 0})).shape() == (Shape{3, 0}));
}

TEST(Sparsemax, NamesWhatDoesNotFit) {
  EXPECT_ERROR(op::sparsemax(Tensor::zeros({2, 3}, DType::i32)), "sparsemax of i32 [2, 3]");
  EXPECT_ERROR(op::entmax15(Tensor::zeros({})), "entmax15 of f32 []: at least one axis");
}

}  // namespace
}  // namespace attend
