#include "attend/nn/character_cnn.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using nn::CharacterCnn;
using test::random_tensor;

Tensor integers(const std::vector<std::int64_t>& values, const Shape& shape) {
  return Tensor::from(values, shape);
}

Tensors convolve(const Tensors& x) {
  return {nn::character_convolution(x[0], x[1], x[2], x[3], x[4], x[0].dtype())};
}

TEST(CharacterCnn, MatchesPyTorch) {
  for (const char* name : {"small", "wide", "one"}) {
    EXPECT_TRUE(test::golden_matches("character_cnn.safetensors", name, convolve)) << name;
    EXPECT_TRUE(test::golden_matches("character_cnn.safetensors", name, convolve, {.dtype = DType::f32}))
        << name;
  }
}

TEST(CharacterCnn, GradientsMatchFiniteDifferences) {
  const Tensor characters = integers({0, 3, 1, 2, 2, 9, 4, 9, 9}, {3, 3}), lengths = integers({3, 2, 1}, {3});
  const Tensors inputs = {random_tensor({5, 2}, DType::f64, 1, -1, 1),
                          random_tensor({4, 6}, DType::f64, 2, -1, 1),
                          random_tensor({4}, DType::f64, 3, -1, 1)};
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& x) {
        return convolve({x[0], x[1], x[2], characters, lengths});
      },
      inputs));
}

TEST(CharacterCnn, WhatStandsBehindAWordChangesNothing) {
  Generator random(3);
  const CharacterCnn cnn({.count = 6, .dim = 3, .filters = 5}, random);
  const auto alone = cnn.forward(integers({1, 2}, {1, 2}), integers({2}, {1})).to_vector<float>();
  const auto padded =
      cnn.forward(integers({1, 2, -7, 99, 3, 4, 5, 0}, {2, 4}), integers({2, 4}, {2})).to_vector<float>();
  ASSERT_EQ(padded.size(), 10u);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(alone[i], padded[i]);
}

TEST(CharacterCnn, ComputesInBfloat16) {
  Generator random(3);
  CharacterCnn cnn({.count = 6, .dim = 3, .filters = 5}, random);
  const Tensor characters = integers({1, 2, 3, 4}, {2, 2}), lengths = integers({2, 1}, {2});
  const auto exact = cnn.forward(characters, lengths).to_vector<float>();
  const Tensor rounded = cnn.forward(characters, lengths, DType::bf16);
  EXPECT_EQ(rounded.dtype(), DType::bf16);
  const auto values = rounded.to_vector<float>();
  for (std::size_t i = 0; i < exact.size(); ++i) EXPECT_NEAR(values[i], exact[i], 0.05);
  cnn.cast_parameters(DType::bf16);
  EXPECT_EQ(cnn.forward(characters, lengths).dtype(), DType::bf16);
}

TEST(CharacterCnn, BadInputIsRefused) {
  Generator random(3);
  const auto make = [&](const nn::CharacterCnnOptions& options) { CharacterCnn(options, random); };
  EXPECT_ERROR(make({.width = 2}), "an odd width needed");
  EXPECT_ERROR(make({.filters = 0}), "at least 1");
  const CharacterCnn cnn({.count = 6, .dim = 3, .filters = 5}, random);
  EXPECT_ERROR(cnn.forward(integers({1, 6}, {1, 2}), integers({2}, {1})), "character 6 of word 0: 0 to 5");
  EXPECT_ERROR(cnn.forward(integers({1, 2}, {1, 2}), integers({3}, {1})), "3");
  EXPECT_ERROR(cnn.forward(integers({1, 2}, {1, 2}), integers({0}, {1})), "0");
  EXPECT_ERROR(cnn.forward(integers({1, 2}, {1, 2}), integers({1, 1}, {2})), "lengths");
  EXPECT_ERROR(cnn.forward(integers({1, 2}, {2}), integers({1}, {1})), "characters");
}

}  // namespace
}  // namespace attend
