#include "attend/nn/pooling.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using nn::Pooling;
using nn::PoolingKind;
using test::random_tensor;

constexpr PoolingKind kKinds[] = {PoolingKind::first, PoolingKind::mean, PoolingKind::attention};

Tensor lengths_of(const std::vector<std::int32_t>& lengths) {
  return Tensor::from(lengths, {static_cast<std::int64_t>(lengths.size())});
}

/// A pooling whose query, if there is one, is not at its start.
void fill(Pooling& pooling, DType dtype) {
  pooling.cast_parameters(dtype);
  for (const auto& parameter : pooling.parameters())
    parameter.tensor.copy_from(random_tensor(parameter.tensor.shape(), parameter.tensor.dtype(), 5, -2, 2));
}

TEST(Pooling, GradientsMatchFiniteDifferences) {
  for (const PoolingKind kind : kKinds)
    for (const Tensor& lengths : {Tensor(), lengths_of({4, 1, 3})}) {
      Pooling pooling(kind, 6);
      fill(pooling, DType::f64);
      Tensors inputs = {random_tensor({3, 4, 6}, DType::f64, 2)};
      for (const auto& parameter : pooling.parameters()) inputs.push_back(parameter.tensor);
      EXPECT_EQ(inputs.size(), kind == PoolingKind::attention ? 2u : 1u);
      EXPECT_TRUE(test::gradients_match(
          [&](const Tensors& x) { return Tensors{pooling.forward(x[0], lengths)}; }, inputs))
          << name_of(kind);
    }
}

TEST(Pooling, IsTheSumOfItsWeightsTimesTheFeatures) {
  const std::vector<std::int32_t> counts = {5, 2, 1};
  const Tensor x = random_tensor({3, 5, 4}, DType::f64, 3);
  const std::vector<double> values = x.to_vector<double>();
  for (const PoolingKind kind : kKinds) {
    Pooling pooling(kind, 4);
    fill(pooling, DType::f64);
    const std::vector<double> weights = pooling.weights(x, lengths_of(counts)).to_vector<double>();
    std::vector<double> expected(12);
    for (std::size_t b = 0; b < 3; ++b) {
      double sum = 0;
      for (std::size_t t = 0; t < 5; ++t) {
        const double weight = weights[5 * b + t];
        sum += weight;
        const bool real = t < static_cast<std::size_t>(counts[b]);
        EXPECT_EQ(weight > 0, kind == PoolingKind::first ? t == 0 : real) << name_of(kind);
        if (kind == PoolingKind::mean && real) {
          EXPECT_NEAR(weight, 1.0 / counts[b], 1e-15);
        }
        for (std::size_t i = 0; i < 4; ++i) expected[4 * b + i] += weight * values[(5 * b + t) * 4 + i];
      }
      EXPECT_NEAR(sum, 1, 1e-14);
    }
    EXPECT_TRUE(test::close(pooling.forward(x, lengths_of(counts)).detach(), Tensor::from(expected, {3, 4}),
                            1e-13, 1e-13))
        << name_of(kind);
  }
}

TEST(Pooling, AttentionStartsAsTheMean) {
  const Tensor x = random_tensor({2, 5, 4}, DType::f32, 4), lengths = lengths_of({5, 3});
  EXPECT_TRUE(test::same_bits(Pooling(PoolingKind::attention, 4).forward(x, lengths).detach(),
                              Pooling(PoolingKind::mean, 4).forward(x, lengths)));
}

TEST(Pooling, WhatStandsAtPaddingChangesNoBit) {
  for (const PoolingKind kind : kKinds)
    for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
      Pooling pooling(kind, 8);
      fill(pooling, dtype);
      const Tensor x = random_tensor({2, 6, 8}, dtype, 6), lengths = lengths_of({6, 2});
      const Tensor other = x.clone();
      const double nan = std::numeric_limits<double>::quiet_NaN();
      other.view_as({4, 8}, {8, 1}, (6 + 2) * 8).copy_from(Tensor::full({4, 8}, nan, dtype));
      const Tensor pooled = pooling.forward(x, lengths).detach();
      EXPECT_EQ(pooled.dtype(), dtype);
      EXPECT_TRUE(test::same_bits(pooling.forward(other, lengths).detach(), pooled)) << name_of(kind);
      EXPECT_TRUE(
          test::same_bits(pooling.weights(other, lengths).detach(), pooling.weights(x, lengths).detach()));
    }
}

TEST(Pooling, NamesGoThereAndBack) {
  for (const PoolingKind kind : kKinds) EXPECT_EQ(nn::pooling_from_name(name_of(kind)), kind);
  EXPECT_ERROR(nn::pooling_from_name("max"), "pooling max: first, mean and attention are accepted");
}

TEST(Pooling, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(Pooling(PoolingKind::mean, 0), "at least 1 needed");
  const Pooling pooling(PoolingKind::mean, 4);
  const Tensor x = Tensor::zeros({2, 3, 4});
  EXPECT_ERROR(pooling.forward(Tensor::zeros({2, 4})), "[batch, length, 4] needed");
  EXPECT_ERROR(pooling.forward(Tensor::zeros({2, 3, 5})), "[batch, length, 4] needed");
  EXPECT_ERROR(pooling.forward(Tensor::zeros({2, 0, 4})), "a length of at least 1");
  EXPECT_ERROR(pooling.forward(x, lengths_of({3})), "lengths i32 [1] given, i32 [2] needed");
  EXPECT_ERROR(pooling.forward(x, Tensor::zeros({2}, DType::i64)), "i32 [2] needed");
  EXPECT_ERROR(pooling.forward(x, lengths_of({3, 4})), "length 4 of row 1: 1 to 3 needed");
  EXPECT_ERROR(pooling.forward(x, lengths_of({0, 3})), "length 0 of row 0: 1 to 3 needed");
}

}  // namespace
}  // namespace attend
