#include "task/classify/predict.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "task/encoder_tokens.h"

namespace attend::task {
namespace {

using model::SequenceClassifier;

/// A model with numbers larger than those of a real start, so that every word matters.
class Predict : public testing::Test {
 protected:
  explicit Predict(nn::PoolingKind pooling = nn::PoolingKind::attention, bool bag_of_words = false)
      : tokenizer_(data::train_tokenizer({.kind = "char"}, "abcdefgh i")),
        model_({.encoder = {.vocabulary = tokenizer_->size() + data::SpecialTokens::kCount,
                            .context = 12,
                            .layers = 1,
                            .heads = 2,
                            .dim = 8},
                .pooling = pooling,
                .classes = {3, 2},
                .bag_of_words = bag_of_words ? tokenizer_->size() : 0}) {
    std::uint64_t seed = 5;
    for (const auto& parameter : model_.parameters())
      parameter.tensor.copy_from(
          test::random_tensor(parameter.tensor.shape(), DType::f32, ++seed, -0.6, 0.6));
  }

  std::unique_ptr<data::Tokenizer> tokenizer_;
  SequenceClassifier model_;
};

TEST_F(Predict, LogProbabilitiesAreThoseOfEachTextAlone) {
  data::TokenSequences texts;
  const std::vector<std::string> all = {"abc", "h", "a b c d e f", "", "bad cab"};
  for (const std::string& text : all) texts.add(read_text(*tokenizer_, text, 12).ids);
  const auto together = log_probabilities(model_, texts, DType::f32);
  ASSERT_EQ(together.size(), 2u);
  ASSERT_EQ(together[0].size(), 15u);
  ASSERT_EQ(together[1].size(), 10u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    data::TokenSequences one;
    one.add(read_text(*tokenizer_, all[i], 12).ids);
    const auto alone = log_probabilities(model_, one, DType::f32);
    double sum = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(together[0][3 * i + c], alone[0][c], 1e-5) << all[i];
      sum += std::exp(alone[0][c]);
    }
    EXPECT_NEAR(sum, 1, 1e-5);
    for (std::size_t c = 0; c < 2; ++c) EXPECT_NEAR(together[1][2 * i + c], alone[1][c], 1e-5) << all[i];
  }
  const double loss = mean_loss(together, {{0, 1, 2, 0, 1}, {1, 0, 1, 0, 1}});
  double expected = 0;
  for (const std::size_t i : {0u, 4u, 8u, 9u, 13u}) expected -= together[0][i];
  for (const std::size_t i : {1u, 2u, 5u, 6u, 9u}) expected -= together[1][i];
  EXPECT_NEAR(loss, expected / 10, 1e-6);
}

TEST_F(Predict, ManyTextsGoInSeveralBatches) {
  data::TokenSequences texts;
  for (int i = 0; i < 3000; ++i) texts.add(read_text(*tokenizer_, std::string(i % 11, 'a'), 12).ids);
  const auto all = log_probabilities(model_, texts, DType::f32);
  for (std::size_t i = 11; i < 3000; ++i)
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(all[0][3 * i + c], all[0][3 * (i % 11) + c], 1e-5);
}

TEST_F(Predict, ATextIsCutAtTheContext) {
  const ReadText fits = read_text(*tokenizer_, "abcdefgh ab", 12),
                 longer = read_text(*tokenizer_, "abcdefgh abc", 12);
  EXPECT_FALSE(fits.cut);
  EXPECT_EQ(fits.ids.size(), 12u);
  EXPECT_TRUE(longer.cut);
  EXPECT_EQ(longer.ids, fits.ids);
}

TEST_F(Predict, WhyGivesEveryMeasureForEveryWord) {
  const std::string text = "bad  cab d";
  const explain::WordScores scores = why(model_, *tokenizer_, text, 0, 2);
  EXPECT_EQ(scores.text, text);
  ASSERT_EQ(scores.words.size(), 3u);
  ASSERT_EQ(scores.measures.size(), 3u);
  EXPECT_EQ(scores.measures[0].name, "pooling");
  const auto sum = [&](std::size_t m) {
    return std::accumulate(scores.measures[m].scores.begin(), scores.measures[m].scores.end(), 0.0);
  };
  EXPECT_LT(sum(0), 1);  // the rest is on the start mark
  EXPECT_GT(sum(0), 0.5);
  // What is hidden: three tokens by hand.
  const ReadText whole = read_text(*tokenizer_, text, 12);
  std::vector<std::int32_t> hidden = whole.ids;
  for (std::size_t i = 6; i < 9; ++i) hidden[i] = static_cast<std::int32_t>(tokenizer_->size()) + 2;
  data::TokenSequences both;
  both.add(whole.ids);
  both.add(hidden);
  const auto values = log_probabilities(model_, both, DType::f32);
  EXPECT_NEAR(scores.measures[2].scores[1], std::exp(values[0][2]) - std::exp(values[0][5]), 1e-6);
  EXPECT_GT(std::abs(scores.measures[2].scores[1]), 1e-5);
  EXPECT_ERROR(why(model_, *tokenizer_, "  ", 0, 0), "no word");
}

TEST_F(Predict, TheGradientForetellsASmallChange) {
  const std::string text = "bad cab d";
  const explain::WordScores scores = why(model_, *tokenizer_, text, 1, 1);
  // The embedding of 'd', which stands in the first and the last word, grows by a small part of itself.
  const auto logit = [&] {
    data::TokenSequences one;
    one.add(read_text(*tokenizer_, text, 12).ids);
    const ReadText read = read_text(*tokenizer_, text, 12);
    return model_.logits({.tokens = Tensor::from(read.ids, {1, 10})})[1].to_vector<double>()[1];
  };
  const double before = logit();
  // All letters by one part: the sum over the words, and what the blanks in between have, is the change.
  const double step = 1e-3;
  const Tensor& table = model_.encoder().token_embeddings();
  for (std::int64_t i = 0; i < tokenizer_->size() * 8; ++i)
    table.data<float>()[i] *= static_cast<float>(1 + step);
  const double change = (logit() - before) / step;
  double sum = 0;
  for (const double score : scores.measures[1].scores) sum += score;
  EXPECT_NEAR(sum, change, 0.02 * std::abs(change) + 1e-3);
  EXPECT_GT(std::abs(change), 1e-2);
}

struct PredictByMean : Predict {
  PredictByMean() : Predict(nn::PoolingKind::mean) {}
};

TEST_F(PredictByMean, PoolingThatLearnsNothingIsNoMeasure) {
  const explain::WordScores scores = why(model_, *tokenizer_, "bad cab", 0, 0);
  ASSERT_EQ(scores.measures.size(), 2u);
  EXPECT_EQ(scores.measures[0].name, "gradient");
}

struct PredictByBag : Predict {
  PredictByBag() : Predict(nn::PoolingKind::mean, true) {}
};

TEST_F(PredictByBag, EachWordsShareIsSaid) {
  const std::string text = "bad cab d";
  const explain::WordScores scores = why(model_, *tokenizer_, text, 0, 2);
  ASSERT_EQ(scores.measures.size(), 3u);
  EXPECT_EQ(scores.measures[1].name, "bag of words");
  // The logit of the class against the mean of all, but for biases.
  const ReadText read = read_text(*tokenizer_, text, 12);
  const auto shares = model_.bag(0)->shares(Tensor::from(read.ids, {1, 10})).to_vector<double>();
  const auto of = [&](std::size_t token) {
    const double* each = &shares[3 * token];
    return each[2] - (each[0] + each[1] + each[2]) / 3;
  };
  // A mark, "bad", " cab", " d".
  EXPECT_NEAR(scores.measures[1].scores[0], of(1) + of(2) + of(3), 1e-4);
  EXPECT_NEAR(scores.measures[1].scores[2], of(8) + of(9), 1e-4);
  EXPECT_GT(std::abs(of(9)), 0.1);
}

}  // namespace
}  // namespace attend::task
