#include "attend/model/sequence_tagger.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"

namespace attend::model {
namespace {

using Numbers = std::vector<std::int64_t>;

SequenceTaggerConfig config(bool crf) {
  return {.encoder =
              {.vocabulary = 11, .context = 8, .layers = 1, .heads = 2, .dim = 8, .initialisation_std = 0.3},
          .tags = 3,
          .crf = crf};
}

/// Two rows: 6 tokens of 3 words, and 4 tokens of 2 words.
TaggerInput input() {
  return {.sequences = {.tokens = Tensor::from(Numbers{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0}, {2, 6}),
                        .lengths = Tensor::from(std::vector<std::int32_t>{6, 4}, {2})},
          .words = Tensor::from(Numbers{1, 2, 5, 1, 3, 77}, {2, 3}),
          .word_lengths = Tensor::from(Numbers{3, 2}, {2})};
}

const Tensor& tags() {
  static const Tensor all = Tensor::from(Numbers{0, 2, 1, 1, 0, -5}, {2, 3});
  return all;
}

TEST(SequenceTagger, WithoutACrfTagsEachWordByItsFirstToken) {
  const SequenceTagger tagger(config(false), 3);
  const Tensor features = tagger.encoder().features(input().sequences);
  const Tensor emissions = tagger.emissions(input());
  const Tensor targets = Tensor::from(Numbers{0, 2, 1, 1, 0}, {5});
  // The five words by hand.
  std::vector<float> rows;
  for (const auto& [row, word] : {std::pair{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}}) {
    const auto values =
        op::slice(op::slice(emissions, 0, row, row + 1), 1, word, word + 1).to_vector<float>();
    rows.insert(rows.end(), values.begin(), values.end());
  }
  const Tensor logits = Tensor::from(rows, {5, 3});
  EXPECT_NEAR(tagger.loss(input(), tags()).item(), op::cross_entropy(logits, targets).item(), 1e-6);
  const auto decoded = tagger.decode(input()).to_vector<std::int64_t>();
  const auto probabilities = tagger.probabilities(input()).to_vector<float>();
  for (std::size_t i = 0; i < 5; ++i) {
    std::size_t best = 0;
    double sum = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      if (rows[3 * i + c] > rows[3 * i + best]) best = c;
      sum += std::exp(static_cast<double>(rows[3 * i + c]));
    }
    EXPECT_EQ(decoded[i], static_cast<std::int64_t>(best));
    EXPECT_NEAR(probabilities[3 * i + best], std::exp(static_cast<double>(rows[3 * i + best])) / sum, 1e-6);
  }
  EXPECT_EQ(decoded[5], -1);
  EXPECT_EQ(probabilities[15], 0);
  // A word's score is a function of its first token's features: of token 5 for word 2 of row 0.
  TaggerInput same = input();
  same.words = Tensor::from(Numbers{5, 2, 5, 1, 3, 77}, {2, 3});
  const auto moved = tagger.emissions(same).to_vector<float>();
  for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(moved[c], rows[6 + c]);
}

TEST(SequenceTagger, HasTheGradientOfItsLoss) {
  for (const bool crf : {false, true}) {
    SequenceTagger tagger(config(crf), 3);
    tagger.cast_parameters(DType::f64);
    autograd::Tensors parameters;
    for (const nn::NamedParameter& parameter : tagger.parameters()) parameters.push_back(parameter.tensor);
    EXPECT_EQ(tagger.parameters().back().name == "crf.end", crf);
    EXPECT_TRUE(test::gradients_match(
        [&](const autograd::Tensors&) { return autograd::Tensors{tagger.loss(input(), tags())}; },
        parameters));
  }
}

TEST(SequenceTagger, LearnsByHeartAndPaddingDoesNotMatter) {
  SequenceTagger tagger(config(true), 3);
  for (int step = 0; step < 60; ++step) {
    autograd::backward(tagger.loss(input(), tags()));
    for (const nn::NamedParameter& parameter : tagger.parameters()) {
      const std::vector<float> gradient = autograd::grad(parameter.tensor).to_vector<float>();
      for (std::size_t i = 0; i < gradient.size(); ++i)
        parameter.tensor.data<float>()[i] -= 0.3F * gradient[i];
      autograd::clear_grad(parameter.tensor);
    }
  }
  EXPECT_EQ(tagger.decode(input()).to_vector<std::int64_t>(), (Numbers{0, 2, 1, 1, 0, -1}));
  const auto both = tagger.losses(input(), tags()).to_vector<float>();
  EXPECT_LT(both[0] + both[1], 0.3F);
  const TaggerInput second{.sequences = {.tokens = Tensor::from(Numbers{7, 8, 9, 10}, {1, 4})},
                           .words = Tensor::from(Numbers{1, 3}, {1, 2}),
                           .word_lengths = Tensor::from(Numbers{2}, {1})};
  EXPECT_EQ(tagger.losses(second, Tensor::from(Numbers{1, 0}, {1, 2})).to_vector<float>()[0], both[1]);
}

TEST(SequenceTagger, SaysWhatDoesNotFit) {
  const SequenceTagger tagger(config(true));
  TaggerInput bad = input();
  bad.words = Tensor::from(Numbers{1, 2, 5, 1, 4, 77}, {2, 3});
  EXPECT_ERROR(tagger.decode(bad), "word 1 of row 1 stands at token 4: 0 to 3 accepted");
  bad = input();
  bad.word_lengths = Tensor::from(Numbers{3, 4}, {2});
  EXPECT_ERROR(tagger.decode(bad), "4 words in row 1: 0 to 3 accepted");
  bad.word_lengths = {};
  EXPECT_ERROR(tagger.decode(bad), "word_lengths not given: i32 or i64 [2] needed");
  bad.words = Tensor::from(Numbers{1, 2, 5}, {1, 3});
  EXPECT_ERROR(tagger.decode(bad), "words i64 [1, 3]: i32 or i64 [2, words] needed");
  SequenceTaggerConfig none = config(false);
  none.tags = 0;
  EXPECT_ERROR(SequenceTagger{none}, "a tagger of 0 tags: at least 1 needed");
}

}  // namespace
}  // namespace attend::model
