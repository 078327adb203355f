#include "attend/data/token_count_batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "attend/base/random.h"
#include "support/expect_error.h"

namespace attend::data {
namespace {

std::vector<std::int32_t> some_lengths(std::size_t count) {
  Generator random(5);
  std::vector<std::int32_t> lengths(count);
  for (std::int32_t& length : lengths) length = 1 + static_cast<std::int32_t>(random.below(20));
  return lengths;
}

TEST(TokenCountBatches, EveryRecordComesOnceInEachPass) {
  TokenCountBatches batches(some_lengths(500), 64, 3);
  for (std::int64_t pass = 0; pass < 3; ++pass) {
    std::vector<int> seen(500, 0);
    for (std::int64_t i = 0; i < batches.batches(); ++i) {
      for (const std::int64_t record : batches.batch(pass * batches.batches() + i))
        ++seen[static_cast<std::size_t>(record)];
    }
    EXPECT_EQ(std::ranges::count(seen, 1), 500) << pass;
  }
}

TEST(TokenCountBatches, FillsABatchUpToItsTokens) {
  const std::vector<std::int32_t> lengths = some_lengths(500);
  const TokenCountBatches batches(lengths, 64, 3);
  std::int64_t padding = 0, all = 0;
  for (std::int64_t i = 0; i < batches.batches(); ++i) {
    std::int64_t longest = 0, sum = 0, rows = 0;
    for (const std::int64_t record : batches.in_order(i)) {
      const std::int64_t length = lengths[static_cast<std::size_t>(record)];
      longest = std::max(longest, length);
      sum += length;
      ++rows;
    }
    EXPECT_LE(longest * rows, 64) << i;
    padding += longest * rows - sum;
    all += longest * rows;
  }
  EXPECT_LT(padding * 20, all);
  EXPECT_EQ(TokenCountBatches({100, 1, 100}, 64, 3).batches(), 3);
}

TEST(TokenCountBatches, ABatchDependsOnItsNumberAlone) {
  TokenCountBatches once(some_lengths(300), 40, 8), again(some_lengths(300), 40, 8),
      other(some_lengths(300), 40, 9);
  const std::int64_t far = 5 * once.batches() + 3;
  const std::vector<std::int64_t> there = once.batch(far);
  for (std::int64_t i = 0; i < far; ++i) again.batch(i);
  EXPECT_EQ(again.batch(far), there);
  EXPECT_EQ(once.batch(2), again.batch(2));
  std::int64_t different = 0;
  for (std::int64_t i = 0; i < once.batches(); ++i) different += once.batch(i) != other.batch(i) ? 1 : 0;
  EXPECT_GT(different, once.batches() / 2);
}

TEST(TokenCountBatches, RecordsOfOneLengthAreMixedAnewInEachPass) {
  TokenCountBatches batches(std::vector<std::int32_t>(100, 7), 70, 1);
  ASSERT_EQ(batches.batches(), 10);
  std::set<std::vector<std::int64_t>> groups;
  for (std::int64_t i = 0; i < 30; ++i) {
    std::vector<std::int64_t> group = batches.batch(i);
    std::ranges::sort(group);
    groups.insert(group);
  }
  EXPECT_GT(groups.size(), 28u);
}

TEST(TokenCountBatches, RefusesWhatItCannotCut) {
  EXPECT_ERROR(TokenCountBatches({}, 10, 1), "no records");
  EXPECT_ERROR(TokenCountBatches({1}, 0, 1), "tokens of a batch: 0 given");
  EXPECT_ERROR(TokenCountBatches({1, -1}, 10, 1), "below 0");
  EXPECT_ERROR(TokenCountBatches({1}, 10, 1).in_order(1), "batch 1 was asked for; there are 1");
}

}  // namespace
}  // namespace attend::data
