#include "attend/op/softmax.h"

#include <gtest/gtest.h>

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

Tensors softmax_of(const Tensors& x) {
  return {op::softmax(x[0])};
}
Tensors log_softmax_of(const Tensors& x) {
  return {op::log_softmax(x[0])};
}

TEST(Softmax, AgreesWithPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    EXPECT_TRUE(test::golden_matches("operations.safetensors", "softmax", softmax_of, {.dtype = dtype}));
    EXPECT_TRUE(
        test::golden_matches("operations.safetensors", "log_softmax", log_softmax_of, {.dtype = dtype}));
  }
}

TEST(Softmax, IsItsDefinitionAndDerivativeAtAwkwardSizes) {
  for (const std::int64_t n : {1, 2, 7, 15, 16, 17, 63, 64, 65, 1000}) {
    const Tensor x = random_tensor({3, n}, DType::f64, 1, -4, 4);
    const auto in = x.to_vector<double>(), y = op::softmax(x).to_vector<double>(),
               log_y = op::log_softmax(x).to_vector<double>();
    for (std::size_t row = 0; row < 3; ++row) {
      const auto columns = static_cast<std::size_t>(n);
      double sum = 0;
      for (std::size_t i = 0; i < columns; ++i) sum += std::exp(in[row * columns + i]);
      for (std::size_t i = row * columns; i < (row + 1) * columns; ++i) {
        ASSERT_NEAR(y[i], std::exp(in[i]) / sum, 1e-14);
        ASSERT_NEAR(log_y[i], in[i] - std::log(sum), 1e-13);
      }
    }
    if (n < 70) {
      EXPECT_TRUE(test::gradients_match(softmax_of, {x}));
      EXPECT_TRUE(test::gradients_match(log_softmax_of, {x}));
    }
    EXPECT_TRUE(test::follows_double_precision(softmax_of, {x})) << n;
    // The sum of 1,000 cotangents carries the rounding errors of f32.
    EXPECT_TRUE(test::follows_double_precision(log_softmax_of, {x}, 3e-5)) << n;
  }
}

TEST(Softmax, LargeNumbersDoNotOverflow) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
    const Tensor x = Tensor::full({2, 20}, dtype == DType::f64 ? 1e300 : 1e30, dtype);
    EXPECT_TRUE(test::close(op::softmax(x), Tensor::full({2, 20}, 0.05, DType::f64), 4e-3, 0));
    EXPECT_TRUE(test::close(op::log_softmax(x), Tensor::full({2, 20}, -std::log(20.0), DType::f64), 4e-3, 0));
  }
}

TEST(Softmax, MaskedElementsAreZeroAndAMaskedRowIsZeroWithFiniteGradients) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64})
    for (const std::int64_t n : {1, 16, 19}) {
      const Tensor x = Tensor::full({3, n}, -kInfinity, dtype);
      const Tensor middle = op::slice(x, 0, 1, 2);
      middle.copy_from(Tensor::zeros({1, n}, dtype));
      autograd::set_requires_grad(x);
      const Tensor y = op::softmax(x), log_y = op::log_softmax(x);
      const Tensor dy = random_tensor({3, n}, dtype, 1);
      const auto values = y.to_vector<double>(), logs = log_y.to_vector<double>();
      const auto dx = autograd::gradients({y}, {x}, {dy})[0].to_vector<double>(),
                 log_dx = autograd::gradients({log_y}, {x}, {dy})[0].to_vector<double>();
      for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_TRUE(std::isfinite(dx[i]) && std::isfinite(log_dx[i]));
        if (i / static_cast<std::size_t>(n) == 1) {
          EXPECT_NEAR(values[i], 1.0 / static_cast<double>(n), 1e-3);
          continue;
        }
        EXPECT_EQ(values[i], 0);
        EXPECT_EQ(logs[i], -kInfinity);
        EXPECT_EQ(dx[i], 0);
        EXPECT_EQ(log_dx[i], 0);
      }
    }
}

TEST(Softmax, NaNFillsItsRowAndNoOther) {
  for (const double others : {0.0, -kInfinity})
    for (const std::int64_t place : {0, 5, 18}) {
      const Tensor x = Tensor::full({2, 19}, others);
      x.data<float>()[place] = std::numeric_limits<float>::quiet_NaN();
      for (const Tensor& y : {op::softmax(x), op::log_softmax(x)})
        for (std::size_t i = 0; i < 38; ++i) EXPECT_EQ(std::isnan(y.to_vector<double>()[i]), i < 19) << i;
    }
}

TEST(Softmax, ReadsStridedInputsAndGradients) {
  const auto turned = [](const Tensors& x) {
    return Tensors{op::transpose(op::softmax(op::transpose(op::slice(x[0], 1, 2, 6))))};
  };
  EXPECT_TRUE(test::gradients_match(turned, {random_tensor({5, 7}, DType::f64, 1)}));
}

TEST(Softmax, SameBitsForAnyNumberOfThreads) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const auto& function : {softmax_of, log_softmax_of})
      EXPECT_TRUE(test::same_bits_for_threads(function, {random_tensor({300, 257}, dtype, 1)}));
}

TEST(Softmax, EmptyTensorsGiveEmptyResults) {
  EXPECT_TRUE(op::softmax(Tensor::zeros({0, 3})).shape() == (Shape{0, 3}));
  EXPECT_TRUE(op::log_softmax(Tensor::zeros({3, 0})).shape() == (Shape{3, 0}));
}

TEST(Softmax, NamesWhatDoesNotFit) {
  EXPECT_ERROR(op::softmax(Tensor::zeros({2, 3}, DType::i32)), "softmax of i32 [2, 3]");
  EXPECT_ERROR(op::log_softmax(Tensor::zeros({})), "log_softmax of f32 []: at least one axis");
}

}  // namespace
}  // namespace attend
