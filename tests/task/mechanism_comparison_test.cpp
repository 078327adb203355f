#include "attend/task/mechanism_comparison.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/expect_error.h"
#include "support/sanitized.h"

namespace attend {
namespace {

const data::SyntheticTask kCopy = data::long_copy({.symbols = 4, .count = 3, .gap = 2});

TEST(MechanismComparison, AttentionLearnsToCopyAndMaskedAttentionDoesNot) {
  const task::ComparisonOptions options = {
      .steps = 80, .batch = 32, .test_rows = 200, .layers = 1, .heads = 2, .dim = 32};
  const task::ComparisonResult all = task::train_with({}, kCopy, options);
  EXPECT_GT(all.accuracy, 0.95);
  EXPECT_LT(all.loss, 0.3);
  EXPECT_GT(all.tokens_per_second, 0);
  EXPECT_GT(all.peak_bytes, 0);
  // What is to be copied stands five places back: out of sight.
  AttentionSpec near;
  near.place.window = 3;
  const task::ComparisonResult blind = task::train_with(near, kCopy, options);
  EXPECT_NEAR(blind.accuracy, 0.25, 0.1);
  EXPECT_GT(blind.loss, 1.2);
}

// What the last three places have to copy stands at the first three.
TEST(MechanismComparison, ShowsWhatWasLearned) {
  struct : attention::Observer {
    bool wants(std::int64_t /*layer*/) override { return true; }
    void observe(std::int64_t layer, const Tensor& all) override {
      EXPECT_EQ(layer, 0);
      weights = all.to_vector<float>();
      shape = all.shape();
    }
    std::vector<float> weights;
    Shape shape;
  } observer;
  task::ComparisonOptions options = {
      .steps = 80, .batch = 32, .test_rows = 200, .layers = 1, .heads = 1, .dim = 32};
  const task::ComparisonResult unseen = task::train_with({}, kCopy, options);
  options.observer = &observer;
  EXPECT_EQ(task::train_with({}, kCopy, options).loss, unseen.loss);
  ASSERT_EQ(observer.shape, (Shape{1, 1, 8, 8}));
  for (const std::size_t i : {0, 1, 2}) EXPECT_GT(observer.weights[(5 + i) * 8 + i], 0.5) << i;
}

// Keys that are drawn give the scores no gradient but that of the rewards.
TEST(MechanismComparison, DrawnKeysAreLearntFromRewards) {
  AttentionSpec spec;
  spec.weigh.kind = attention::Weigh::Kind::reinforce;
  const task::ComparisonResult result = task::train_with(spec, kCopy,
                                                         {.steps = test::kSanitized ? 10 : 200,
                                                          .batch = 32,
                                                          .test_rows = 200,
                                                          .layers = 1,
                                                          .heads = 2,
                                                          .dim = 32});
  if (!test::kSanitized) {
    EXPECT_GT(result.accuracy, 0.8);
  }
}

TEST(MechanismComparison, SameSeedSameNumbers) {
  task::ComparisonOptions options = {
      .steps = 5, .batch = 4, .test_rows = 10, .layers = 1, .heads = 2, .dim = 16};
  const double first = task::train_with({}, kCopy, options).loss;
  EXPECT_EQ(task::train_with({}, kCopy, options).loss, first);
  options.seed = 2;
  EXPECT_NE(task::train_with({}, kCopy, options).loss, first);
}

TEST(MechanismComparison, RefusesSizesThatCannotBe) {
  EXPECT_ERROR(task::train_with({}, kCopy, {.steps = 0}), "0 steps");
  EXPECT_ERROR(task::train_with({}, kCopy, {.batch = 0}), "batch 0");
  EXPECT_ERROR(task::train_with({}, kCopy, {.heads = 3}), "heads 3");
  EXPECT_ERROR(task::train_with({}, kCopy, {.learning_rate = std::nan("")}), "learning rate nan");
}

}  // namespace
}  // namespace attend
