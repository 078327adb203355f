#include "attend/data/language_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "support/expect_error.h"

namespace attend::data {
namespace {

using Ids = std::vector<std::int32_t>;

/// 0, 1, 2 ...: a token tells its place.
Ids places(std::int64_t count) {
  Ids ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

TokenView view_of(const Ids& ids) {
  return {ids, static_cast<std::int64_t>(ids.size()) + 1};
}

void expect_shape(const TokenBatch& batch, std::int64_t rows, std::int64_t context) {
  EXPECT_EQ(batch.batch, rows);
  EXPECT_EQ(batch.context, context);
  ASSERT_EQ(batch.inputs.size(), static_cast<std::size_t>(rows * context));
  ASSERT_EQ(batch.targets.size(), batch.inputs.size());
  for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
    ASSERT_EQ(batch.targets[i], batch.inputs[i] + 1);
    if (i % static_cast<std::size_t>(context) != 0) {
      ASSERT_EQ(batch.inputs[i], batch.inputs[i - 1] + 1);
    }
  }
}

TEST(Split, TakesTheValidationPartFromTheEnd) {
  const Ids ids = places(1115394);
  const auto [train, validation] = split_by_position(view_of(ids));
  // The sizes of the usual split of Tiny Shakespeare.
  EXPECT_EQ(train.size(), 1003854);
  EXPECT_EQ(validation.size(), 111540);
  Ids first(1);
  validation.copy(0, first);
  EXPECT_EQ(first[0], 1003854);
  EXPECT_EQ(split_by_position(view_of(ids), 0).validation.size(), 0);
  EXPECT_EQ(split_by_position(view_of(ids), 0.5).train.size(), 557697);
  for (const double bad : {-0.1, 1.0, 2.0, std::nan("")}) {
    EXPECT_ERROR(split_by_position(view_of(ids), bad), "validation ratio");
  }
}

TEST(RandomWindows, AreAFunctionOfSeedAndIndex) {
  const Ids ids = places(1000);
  const RandomWindows a(view_of(ids), {.batch = 3, .context = 7}, 5);
  const RandomWindows b(view_of(ids), {.batch = 3, .context = 7}, 5);
  const RandomWindows other(view_of(ids), {.batch = 3, .context = 7}, 6);
  const TokenBatch tenth = b.batch(10);
  for (std::int64_t i = 0; i < 20; ++i) expect_shape(a.batch(i), 3, 7);
  EXPECT_EQ(a.batch(10).inputs, tenth.inputs);
  EXPECT_NE(a.batch(11).inputs, tenth.inputs);
  EXPECT_NE(other.batch(10).inputs, tenth.inputs);
  EXPECT_NE(tenth.inputs[0], tenth.inputs[7]);
}

TEST(RandomWindows, ReachEveryPlaceEquallyOften) {
  const Ids ids = places(12);
  const RandomWindows windows(view_of(ids), {.batch = 10, .context = 2}, 1);
  std::vector<int> counts(10);
  for (std::int64_t i = 0; i < 1000; ++i) {
    const TokenBatch batch = windows.batch(i);
    for (std::size_t row = 0; row < 10; ++row) ++counts.at(static_cast<std::size_t>(batch.inputs[2 * row]));
  }
  for (const int count : counts) EXPECT_NEAR(count, 1000, 120);
}

TEST(RandomWindows, TakeATextOneTokenLongerThanTheContext) {
  const Ids ids = places(5);
  const RandomWindows windows(view_of(ids), {.batch = 2, .context = 4}, 1);
  EXPECT_EQ(windows.batch(3).targets, (Ids{1, 2, 3, 4, 1, 2, 3, 4}));
}

TEST(RandomWindows, RefuseBadOptions) {
  const Ids ids = places(10);
  const auto make = [&](std::int64_t batch, std::int64_t context) {
    RandomWindows(view_of(ids), {.batch = batch, .context = context}, 1);
  };
  EXPECT_ERROR(make(1, 10), "context: 10 tokens given, but the training text has only 10 tokens");
  EXPECT_ERROR(make(1, 10), "at most 9");
  EXPECT_ERROR(make(0, 4), "batch: 0 given");
  EXPECT_ERROR(make(1, 0), "context: 0 given");
  EXPECT_ERROR(make(std::int64_t{1} << 62, 4), "at most 2147483648");
}

TEST(ConsecutiveWindows, CountEveryTargetOnce) {
  for (std::int64_t count = 2; count < 60; ++count) {
    for (const std::int64_t batch : {1, 2, 3}) {
      for (const std::int64_t context : {1, 4, 5, 100}) {
        const Ids ids = places(count);
        const ConsecutiveWindows windows(view_of(ids), {.batch = batch, .context = context});
        EXPECT_EQ(windows.targets(), count - 1);
        Ids seen;
        for (std::int64_t i = 0; i < windows.size(); ++i) {
          const TokenBatch part = windows.batch(i);
          expect_shape(part, part.batch, part.context);
          EXPECT_TRUE(part.batch >= 1 && part.batch <= batch);
          EXPECT_TRUE(part.context >= 1 && part.context <= context);
          if (part.context < context) {
            EXPECT_EQ(i, windows.size() - 1);
          }
          seen.insert(seen.end(), part.targets.begin(), part.targets.end());
        }
        Ids expected(static_cast<std::size_t>(count - 1));
        std::iota(expected.begin(), expected.end(), 1);
        EXPECT_EQ(seen, expected);
        EXPECT_ERROR(windows.batch(windows.size()), "asked for");
        EXPECT_ERROR(windows.batch(-1), "batch -1 asked for");
      }
    }
  }
}

TEST(ConsecutiveWindows, NeedTwoTokens) {
  const Ids ids = places(1);
  EXPECT_ERROR(ConsecutiveWindows(view_of(ids), {}), "has 1 tokens; at least 2");
  EXPECT_ERROR(ConsecutiveWindows(TokenView(), {}), "has 0 tokens");
  EXPECT_ERROR(ConsecutiveWindows(view_of(ids), {.batch = 0}), "batch: 0");
}

}  // namespace
}  // namespace attend::data
