#include "attend/model/sequence_classifier.h"

#include <gtest/gtest.h>

#include "attend/autograd/tape.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cross_entropy.h"
#include "support/compare.h"
#include "support/image_models.h"
#include "support/module_gradients.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using model::EncoderInput;
using model::SequenceClassifier;

/// Six words and four marks.
SequenceClassifier with_bag() {
  return SequenceClassifier({.encoder = {.vocabulary = 10, .context = 8, .layers = 1, .heads = 2, .dim = 8},
                             .classes = {3, 2},
                             .bag_of_words = 6});
}

Tensor integers(const std::vector<std::int32_t>& values, const Shape& shape) {
  return Tensor::from(values, shape);
}

const std::vector<std::int32_t> kTokens = {6, 1, 5, 5, 0, 6, 2, 8, 9, 9};

EncoderInput input() {
  return {.tokens = integers(kTokens, {2, 5}), .lengths = integers({5, 3}, {2})};
}

TEST(BagOfWordsClassifier, LogitsAreTheMeanOfBothReaders) {
  SequenceClassifier model = with_bag();
  test::fill_by_name(model);
  const auto together = model.logits(input()),
             encoder = model.logits_of(model.encoder().features(input()), input().lengths);
  for (std::size_t q = 0; q < 2; ++q) {
    const auto found = together[q].to_vector<double>(), one = encoder[q].to_vector<double>(),
               other = model.bag(q)->forward(input().tokens, input().lengths).to_vector<double>();
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], (one[i] + other[i]) / 2, 1e-12);
    EXPECT_TRUE(test::differ(together[q], encoder[q]));
  }
}

TEST(BagOfWordsClassifier, EachReaderLearnsByItself) {
  SequenceClassifier model = with_bag();
  test::fill_by_name(model);
  const std::vector<Tensor> targets = {integers({2, 0}, {2}), integers({-1, 1}, {2})};
  const Tensor words = integers({6, 1, 3, 5, 0, 6, 2, 4, 9, 9}, {2, 5});
  const auto encoder = model.logits_of(model.encoder().features(input()), input().lengths);
  double expected = 0;
  for (std::size_t q = 0; q < 2; ++q)
    for (const Tensor& scores : {encoder[q], model.bag(q)->forward(words, input().lengths)})
      expected +=
          op::cross_entropy(scores, targets[q], {.label_smoothing = 0.1, .ignore_index = -1}).item() / 2;
  EXPECT_NEAR(model.loss(input(), targets, {}, {.label_smoothing = 0.1, .words = words}).item(), expected,
              1e-12);
  // The answer is never worse than the two on average.
  double answer = 0;
  const auto together = model.logits(input());
  for (std::size_t q = 0; q < 2; ++q)
    answer += op::cross_entropy(together[q], targets[q], {.ignore_index = -1}).item();
  EXPECT_LE(answer, model.loss(input(), targets).item());
}

TEST(BagOfWordsClassifier, GradientsMatchFiniteDifferences) {
  SequenceClassifier model = with_bag();
  test::fill_by_name(model);
  const std::vector<Tensor> targets = {integers({2, 0}, {2}), integers({-1, 1}, {2})};
  EXPECT_TRUE(test::parameter_gradients_match(model, [&] { return model.loss(input(), targets); }));
}

TEST(BagOfWordsClassifier, ComputesInBfloat16) {
  SequenceClassifier model = with_bag();
  test::fill_by_name(model, DType::f32);
  const auto exact = model.logits(input()), rounded = model.logits(input(), {.compute = DType::bf16});
  EXPECT_EQ(rounded[0].dtype(), DType::bf16);
  model.cast_parameters(DType::bf16);
  const auto small = model.logits(input(), {.compute = DType::bf16});
  for (std::size_t q = 0; q < 2; ++q) {
    const auto wanted = exact[q].to_vector<float>(), one = rounded[q].to_vector<float>(),
               other = small[q].to_vector<float>();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_NEAR(one[i], wanted[i], 0.02 * std::abs(wanted[i]) + 0.05);
      EXPECT_NEAR(other[i], wanted[i], 0.02 * std::abs(wanted[i]) + 0.2);
    }
  }
}

TEST(BagOfWordsClassifier, WithoutThereIsNone) {
  const SequenceClassifier model(
      {.encoder = {.vocabulary = 10, .context = 8, .layers = 1, .heads = 2, .dim = 8}});
  EXPECT_EQ(model.bag(0), nullptr);
}

}  // namespace
}  // namespace attend
