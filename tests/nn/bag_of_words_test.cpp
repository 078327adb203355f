#include "attend/nn/bag_of_words.h"

#include <gtest/gtest.h>

#include <vector>

#include "attend/autograd/tape.h"
#include "attend/op/arithmetic.h"
#include "attend/op/reduce.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/image_models.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using nn::BagOfWords;

Tensor integers(const std::vector<std::int64_t>& values, const Shape& shape) {
  return Tensor::from(values, shape);
}

TEST(BagOfWords, MatchesPyTorch) {
  for (const char* name : {"small", "wide", "one"}) {
    const test::GoldenCase expected = test::load_golden("bag_of_words.safetensors", name);
    BagOfWords bag(expected.inputs[0].dim(0), expected.inputs[0].dim(1));
    bag.cast_parameters(DType::f64);
    bag.load({{"weight", expected.inputs[0]}, {"bias", expected.inputs[1]}});
    const Tensor logits = bag.forward(expected.inputs[2], expected.inputs[3]);
    EXPECT_TRUE(test::close(logits.detach(), expected.outputs[0], 1e-12, 1e-12)) << name;
    autograd::backward(op::sum(op::multiply(logits, expected.cotangents[0])));
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_TRUE(
          test::close(autograd::grad(bag.parameters()[i].tensor), expected.gradients[i], 1e-12, 1e-12))
          << name << i;
  }
}

TEST(BagOfWords, GradientsMatchFiniteDifferences) {
  BagOfWords bag(5, 3);
  test::fill_by_name(bag);
  Tensors inputs;
  for (const auto& parameter : bag.parameters()) inputs.push_back(parameter.tensor);
  const Tensor tokens = integers({0, 3, 3, 1, 4, 7, 2, 2}, {2, 4}), lengths = integers({4, 3}, {2});
  EXPECT_TRUE(
      test::gradients_match([&](const Tensors&) { return Tensors{bag.forward(tokens, lengths)}; }, inputs));
}

TEST(BagOfWords, OrderMarksAndPaddingChangeNothing) {
  BagOfWords bag(5, 3);
  test::fill_by_name(bag);
  const Tensor plain = bag.forward(integers({0, 3, 3, 1}, {1, 4}));
  EXPECT_TRUE(test::close(bag.forward(integers({3, 1, 9, 3, 5, 0, 2, 2}, {1, 8}), integers({6}, {1})), plain,
                          1e-12, 1e-12));
  EXPECT_TRUE(test::differ(bag.forward(integers({0, 3, 1}, {1, 3})), plain));
}

TEST(BagOfWords, SharesSumToTheLogits) {
  BagOfWords bag(5, 3);
  test::fill_by_name(bag);
  const Tensor tokens = integers({0, 3, 3, 1, 4, 7, 2, 2}, {2, 4}), lengths = integers({4, 3}, {2});
  const Tensor shares = bag.shares(tokens, lengths);
  const auto sums = op::sum(shares, {.axes = {1}}).to_vector<double>(),
             logits = bag.forward(tokens, lengths).to_vector<double>(),
             bias = bag.parameters()[1].tensor.to_vector<double>();
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(sums[i] + bias[i % 3], logits[i], 1e-12);
  const auto each = shares.to_vector<double>();
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(each[(4 * 1 + 1) * 3 + c], 0) << "no word";
    EXPECT_EQ(each[(4 * 1 + 3) * 3 + c], 0) << "padding";
    EXPECT_EQ(each[(4 * 0 + 1) * 3 + c], each[(4 * 0 + 2) * 3 + c]) << "the same word";
  }
}

TEST(BagOfWords, ARowWithoutWordsHasTheBias) {
  BagOfWords bag(2, 3);
  test::fill_by_name(bag);
  EXPECT_TRUE(test::same_bits(op::sum(bag.forward(integers({7, 2}, {1, 2})), {.axes = {0}}),
                              bag.parameters()[1].tensor));
}

TEST(BagOfWords, BadInputIsRefused) {
  EXPECT_ERROR(BagOfWords(0, 3), "bag of 0 words for 3 classes: at least 1");
  EXPECT_ERROR(BagOfWords(3, 0), "bag of 3 words for 0 classes: at least 1");
  const BagOfWords bag(2, 3);
  EXPECT_ERROR(bag.forward(integers({1, 2}, {2})), "[batch, length] and [batch] needed");
  EXPECT_ERROR(bag.forward(integers({1, 2}, {1, 2}), integers({1, 1}, {2})), "[batch, length] and [batch]");
}

}  // namespace
}  // namespace attend
