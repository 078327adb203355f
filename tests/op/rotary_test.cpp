#include "attend/op/rotary.h"

#include <gtest/gtest.h>

#include <cmath>

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

op::RotaryTable table_for(DType dtype, std::int64_t positions, std::int64_t dim) {
  return op::rotary_table(positions, dim, {.dtype = dtype == DType::f64 ? DType::f64 : DType::f32});
}

TEST(Rotary, FollowsTheDefinition) {
  for (const std::int64_t dim : {2, 6, 62, 64, 130}) {
    const Tensor x = random_tensor({2, 5, 3, dim}, DType::f64, 1);
    const auto in = x.to_vector<double>();
    std::vector<double> expected(in.size());
    for (std::int64_t row = 0; row < 2 * 5 * 3; ++row)
      for (std::int64_t c = 0; c < dim / 2; ++c) {
        const double t = static_cast<double>(row / 3 % 5 + 4);
        const double angle = t * std::pow(500.0, -2.0 * static_cast<double>(c) / static_cast<double>(dim));
        const auto i = static_cast<std::size_t>(row * dim + c), j = i + static_cast<std::size_t>(dim / 2);
        expected[i] = in[i] * std::cos(angle) - in[j] * std::sin(angle);
        expected[j] = in[j] * std::cos(angle) + in[i] * std::sin(angle);
      }
    const auto table = op::rotary_table(9, dim, {.base = 500, .dtype = DType::f64});
    EXPECT_TRUE(
        test::close(op::rotary(x, table, {.offset = 4}), Tensor::from(expected, x.shape()), 1e-12, 1e-12));
  }
}

TEST(Rotary, GradientsMatchFiniteDifferences) {
  const auto table = table_for(DType::f64, 9, 6);
  for (const std::int64_t turned : {-1, 0, 2})
    EXPECT_TRUE(test::gradients_match(
        [&](const Tensors& x) {
          return Tensors{op::rotary(x[0], table, {.offset = 2, .turned_heads = turned})};
        },
        {random_tensor({2, 3, 3, 6}, DType::f64, 1)}));
}

TEST(Rotary, EqualsPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    EXPECT_TRUE(test::golden_matches(
        "nn_operations.safetensors", "rotary",
        [=](const Tensors& x) { return Tensors{op::rotary(x[0], table_for(dtype, 9, 16))}; },
        {.dtype = dtype}));
    EXPECT_TRUE(test::golden_matches(
        "nn_operations.safetensors", "rotary_offset",
        [=](const Tensors& x) { return Tensors{op::rotary(x[0], table_for(dtype, 9, 10), {.offset = 5})}; },
        {.dtype = dtype}));
  }
}

TEST(Rotary, SinglePrecisionAndBf16FollowDouble) {
  for (const std::int64_t dim : {2, 62, 64, 66, 384}) {
    const Tensors inputs = {random_bf16_values({2, 30, 3, dim}, 1)};
    const auto run = [&](DType dtype) {
      return test::run_in(
          {dtype},
          [&](const Tensors& x) {
            return Tensors{op::rotary(x[0], table_for(dtype, 1000, dim), {.offset = 970})};
          },
          inputs);
    };
    const Tensors exact = run(DType::f64), single = run(DType::f32), half = run(DType::bf16);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(test::close(single[i], exact[i], 1e-6, 1e-6));
      EXPECT_TRUE(test::close(half[i], exact[i], 4e-3, 1e-6));
    }
  }
}

TEST(Rotary, ComputesEveryPartOfALargeTensor) {
  const auto table = table_for(DType::f32, 70, 64);
  EXPECT_TRUE(
      test::same_in_pieces([&](const Tensors& x) { return Tensors{op::rotary(x[0], table, {.offset = 3})}; },
                           {random_tensor({6, 65, 3, 64}, DType::f32, 1)}, 1));
}

TEST(Rotary, TurnsPackedProjectionsInPlaceOfTheirViews) {
  const Tensor qkv = random_tensor({2, 4, 3, 2, 8}, DType::f32, 1);
  const auto table = table_for(DType::f32, 4, 8);
  const auto part = [](const Tensor& t, std::int64_t i) {
    return t.view_as({2, 4, 2, 8}, {192, 48, 8, 1}, i * 16);
  };
  const Tensor packed = op::rotary(qkv.view_as({2, 4, 6, 8}, {192, 48, 8, 1}), table, {.turned_heads = 4});
  for (std::int64_t i = 0; i < 2; ++i)
    EXPECT_TRUE(test::same_bits(part(packed, i), op::rotary(part(qkv, i), table)));
  EXPECT_TRUE(test::same_bits(part(packed, 2), part(qkv, 2)));
  // A transposed last axis is read too.
  const Tensor odd = random_tensor({2, 4, 8, 2}, DType::f32, 2).view_as({2, 4, 2, 8}, {64, 16, 1, 2});
  EXPECT_TRUE(test::same_bits(op::rotary(odd, table), op::rotary(odd.clone(), table)));
}

TEST(Rotary, DotProductsDependOnDistanceAlone) {
  const auto table = table_for(DType::f64, 40, 8);
  const Tensor q = random_tensor({1, 1, 1, 8}, DType::f64, 1), k = random_tensor({1, 1, 1, 8}, DType::f64, 2);
  const auto dot = [&](std::int64_t i, std::int64_t j) {
    const auto a = op::rotary(q, table, {.offset = i}).to_vector<double>();
    const auto b = op::rotary(k, table, {.offset = j}).to_vector<double>();
    double sum = 0;
    for (std::size_t c = 0; c < 8; ++c) sum += a[c] * b[c];
    return sum;
  };
  EXPECT_NEAR(dot(3, 10), dot(20, 27), 1e-12);
  EXPECT_GT(std::abs(dot(3, 10) - dot(3, 11)), 1e-6);
}

TEST(Rotary, SameBitsForAnyNumberOfThreads) {
  const int before = threads();
  std::vector<Tensors> results;
  for (const int count : {1, 2}) {
    set_threads(count);
    results.push_back(test::run_in(
        {DType::bf16},
        [](const Tensors& x) { return Tensors{op::rotary(x[0], table_for(DType::bf16, 65, 64))}; },
        {random_bf16_values({3, 65, 6, 64}, 2)}));
  }
  set_threads(before);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(test::same_bits(results[0][i], results[1][i]));
}

TEST(Rotary, NamesWhatDoesNotFit) {
  const auto table = op::rotary_table(4, 6);
  EXPECT_ERROR(op::rotary(Tensor::zeros({1, 2, 3, 5}), table), "even D needed");
  EXPECT_ERROR(op::rotary(Tensor::zeros({1, 2, 3}), table), "x [B, T, H, D]");
  EXPECT_ERROR(op::rotary(Tensor::zeros({1, 2, 3, 8}), table), "cosine and sine f32 [positions, 4] needed");
  EXPECT_ERROR(op::rotary(Tensor::zeros({1, 2, 3, 6}, DType::f64), table), "cosine and sine f64");
  EXPECT_ERROR(op::rotary(Tensor::zeros({1, 2, 3, 6}), table, {.offset = 3}),
               "2 tokens from position 3 on, but the table has 4 positions");
  EXPECT_ERROR(op::rotary(Tensor::zeros({1, 2, 3, 6}), table, {.turned_heads = 4}), "turned_heads 4");
  EXPECT_ERROR(op::rotary_table(0, 6), "rotary_table of 0 positions");
  EXPECT_ERROR(op::rotary_table(4, 5), "dim 5");
  EXPECT_ERROR(op::rotary_table(4, 6, {.base = 0}), "base 0 given");
  EXPECT_ERROR(op::rotary_table(4, 6, {.dtype = DType::bf16}), "dtype bf16");
}

}  // namespace
}  // namespace attend
