#include "attend/op/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attend/base/parallel.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/in_precision.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_bf16_values;
using test::random_tensor;

constexpr Activation kAll[] = {Activation::relu, Activation::gelu, Activation::gelu_tanh,
                               Activation::silu, Activation::tanh, Activation::sigmoid};

double definition(Activation activation, double x) {
  switch (activation) {
    case Activation::relu:
      return x > 0 ? x : 0;
    case Activation::gelu:
      return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::tanh:
      return std::tanh(x);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return 0;
}

TEST(Activation, FollowsTheDefinitionOnAFineGrid) {
  std::vector<double> grid;
  for (int i = -16000; i <= 16000; ++i) grid.push_back(static_cast<float>(i) / 1000.0f);
  const Shape shape{static_cast<std::int64_t>(grid.size())};
  for (const Activation activation : kAll) {
    std::vector<double> expected;
    for (const double x : grid) expected.push_back(definition(activation, x));
    const Tensor y = Tensor::from(expected, shape);
    const std::vector<float> single(grid.begin(), grid.end());
    // 8 units in the last place, and what exp loses to the rounding of its argument in the far tails.
    EXPECT_TRUE(test::close(op::activate(Tensor::from(grid, shape), activation), y, 1e-14, 1e-14))
        << name_of(activation);
    EXPECT_TRUE(test::close(op::activate(Tensor::from(single, shape), activation), y, 5e-7, 1e-7))
        << name_of(activation);
  }
}

TEST(Activation, GradientsMatchFiniteDifferences) {
  for (const Activation activation : kAll) {
    Tensor x = random_tensor({3, 7}, DType::f64, 1, -4, 4);
    EXPECT_TRUE(test::gradients_match(
        [=](const Tensors& in) { return Tensors{op::activate(in[0], activation)}; }, {x}))
        << name_of(activation);
    EXPECT_TRUE(
        test::gradients_match([=](const Tensors& in) { return Tensors{op::gated(in[0], activation)}; },
                              {random_tensor({2, 3, 10}, DType::f64, 2, -4, 4)}))
        << name_of(activation);
  }
}

TEST(Activation, EqualsPyTorch) {
  for (const Activation activation : kAll)
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
      const std::string name(name_of(activation));
      EXPECT_TRUE(test::golden_matches(
          "nn_operations.safetensors", "activate_" + name,
          [=](const Tensors& in) { return Tensors{op::activate(in[0], activation)}; }, {.dtype = dtype}));
      EXPECT_TRUE(test::golden_matches(
          "nn_operations.safetensors", "gated_" + name,
          [=](const Tensors& in) { return Tensors{op::gated(in[0], activation)}; }, {.dtype = dtype}));
    }
}

TEST(Activation, SinglePrecisionAndBf16FollowDoubleAtEverySize) {
  for (const Activation activation : kAll)
    for (const std::int64_t size : {1, 3, 63, 64, 65, 384, 1000}) {
      const auto one = [=](const Tensors& in) { return Tensors{op::activate(in[0], activation)}; };
      const auto two = [=](const Tensors& in) { return Tensors{op::gated(in[0], activation)}; };
      for (const bool gated : {false, true}) {
        const test::Function function = gated ? test::Function(two) : test::Function(one);
        const Tensors inputs = {random_bf16_values({3, gated ? 2 * size : size}, 7, -6, 6)};
        const Tensors exact = test::run_in({DType::f64}, function, inputs),
                      single = test::run_in({DType::f32}, function, inputs),
                      half = test::run_in({DType::bf16}, function, inputs);
        for (std::size_t i = 0; i < exact.size(); ++i) {
          // The slope of tanh, 1 - y^2, is computed from a rounded y, and multiplied by up to 6 here.
          EXPECT_TRUE(test::close(single[i], exact[i], 1e-6, activation == Activation::tanh ? 4e-6 : 1e-6))
              << name_of(activation) << " " << size;
          EXPECT_EQ(half[i].dtype(), DType::bf16);
          // Rounding to 8 bits is 2^-9; the slopes of tanh and sigmoid come from an output that was rounded
          // once.
          EXPECT_TRUE(test::close(half[i], exact[i], 5e-3, i == 0 ? 2e-4 : 5e-3))
              << name_of(activation) << " " << size;
        }
      }
    }
}

TEST(Activation, ComputesEveryPartOfALargeTensor) {
  for (const Activation activation : {Activation::gelu, Activation::sigmoid})
    EXPECT_TRUE(test::same_in_pieces(
        [=](const Tensors& in) {
          return Tensors{op::activate(in[0], activation), op::gated(in[0], activation)};
        },
        {random_tensor({90, 1002}, DType::f32, 1, -3, 3)}, 7));
}

TEST(Activation, TakesLimitsAtInfinityAndKeepsNaN) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> points = {-infinity, -1e30, -1e4, -100, 100, 1e4, 1e30, infinity};
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    for (const Activation activation : kAll) {
      const Tensor x = Tensor::zeros({9}, dtype);
      for (std::int64_t i = 0; i < 8; ++i)
        x.view_as({1}, {1}, i).copy_from(Tensor::full({1}, points[static_cast<std::size_t>(i)], dtype));
      x.view_as({1}, {1}, 8).copy_from(Tensor::full({1}, std::nan(""), dtype));
      autograd::set_requires_grad(x);
      const Tensor y = op::activate(x, activation);
      const Tensor dx = autograd::gradients({y}, {x}, {Tensor::full({9}, 1, dtype)})[0];
      const auto value = y.to_vector<double>(), slope = dx.to_vector<double>(), at = x.to_vector<double>();
      const bool bounded = activation == Activation::tanh || activation == Activation::sigmoid;
      for (std::size_t i = 0; i < 8; ++i) {
        const bool right = i >= 4;
        const double lowest = activation == Activation::tanh ? -1 : 0, highest = bounded ? 1 : at[i];
        EXPECT_TRUE(value[i] == (right ? highest : lowest) || std::abs(value[i] - lowest) < 1e-30)
            << name_of(activation) << " of " << at[i] << ": " << value[i];
        EXPECT_NEAR(slope[i], right && !bounded ? 1 : 0, 1e-30) << name_of(activation) << " " << at[i];
      }
      if (activation == Activation::sigmoid) {
        EXPECT_EQ(value[0], 0) << name_of(dtype) << ": a masked score weighs nothing";
      }
      EXPECT_TRUE(std::isnan(value[8])) << name_of(activation);
    }
}

TEST(Activation, SameBitsForAnyNumberOfThreads) {
  const int before = threads();
  for (const Activation activation : kAll) {
    std::vector<Tensors> results;
    for (const int count : {1, 2}) {
      set_threads(count);
      results.push_back(
          test::run_in({DType::bf16},
                       [=](const Tensors& in) {
                         return Tensors{op::activate(in[0], activation), op::gated(in[0], activation)};
                       },
                       {random_bf16_values({100, 386}, 3)}));
    }
    for (std::size_t i = 0; i < results[0].size(); ++i)
      EXPECT_TRUE(test::same_bits(results[0][i], results[1][i]));
  }
  set_threads(before);
}

TEST(Activation, ReadsStridedViewsAndEmptyTensors) {
  const Tensor x = random_tensor({4, 6}, DType::f32, 5);
  const Tensor view = x.view_as({6, 4}, {1, 6});
  EXPECT_TRUE(
      test::same_bits(op::activate(view, Activation::gelu), op::activate(view.clone(), Activation::gelu)));
  EXPECT_TRUE(test::same_bits(op::gated(view, Activation::silu), op::gated(view.clone(), Activation::silu)));
  EXPECT_EQ(op::activate(Tensor::zeros({0, 4}), Activation::silu).shape(), Shape({0, 4}));
  EXPECT_EQ(op::gated(Tensor::zeros({3, 0}), Activation::silu).shape(), Shape({3, 0}));
}

TEST(Activation, NamesWhatDoesNotFit) {
  EXPECT_ERROR(op::activate(Tensor::zeros({2}, DType::i32), Activation::gelu), "gelu of i32 [2]");
  EXPECT_ERROR(op::gated(Tensor::zeros({2, 3}), Activation::silu), "gated silu of f32 [2, 3]");
  EXPECT_ERROR(op::gated(Tensor::zeros({}), Activation::silu), "[..., 2 h] needed");
  EXPECT_ERROR(activation_from_name("swish"), "\"swish\": relu, gelu, gelu_tanh, silu, tanh, sigmoid");
  for (const Activation activation : kAll) EXPECT_EQ(activation_from_name(name_of(activation)), activation);
}

}  // namespace
}  // namespace attend
