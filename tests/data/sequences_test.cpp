#include "attend/data/sequences.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/expect_error.h"

namespace attend::data {
namespace {

using Ids = std::vector<std::int32_t>;
using Rows = std::vector<std::int64_t>;

Rows copied(std::span<const std::int64_t> rows) {
  return {rows.begin(), rows.end()};
}

TEST(TokenSequences, KeepsWhatIsAdded) {
  TokenSequences sequences;
  for (const Ids& ids : {Ids{1, 2, 3}, Ids{}, Ids{4}}) sequences.add(ids);
  EXPECT_EQ(sequences.size(), 3);
  EXPECT_EQ(sequences.tokens(), 4);
  EXPECT_EQ(sequences.lengths(), (Rows{3, 0, 1}));
  EXPECT_EQ(Ids(sequences[0].begin(), sequences[0].end()), (Ids{1, 2, 3}));
  EXPECT_TRUE(sequences[1].empty());
  EXPECT_EQ(Ids(sequences[2].begin(), sequences[2].end()), (Ids{4}));
  EXPECT_ERROR(sequences[3], "sequence 3 of 3");
  EXPECT_ERROR(sequences[-1], "sequence -1 of 3");
}

TEST(PaddedBatch, FillsUpToTheLongest) {
  TokenSequences sequences;
  for (const Ids& ids : {Ids{1, 2, 3}, Ids{5, 6}, Ids{4}, Ids{}}) sequences.add(ids);
  const PaddedBatch batch = padded_batch(sequences, Rows{2, 1}, 9);
  EXPECT_EQ(batch.rows, 2);
  EXPECT_EQ(batch.length, 2);
  EXPECT_EQ(batch.tokens, (Ids{4, 9, 5, 6}));
  EXPECT_EQ(batch.lengths, (Ids{1, 2}));
  EXPECT_ERROR(padded_batch(sequences, Rows{}, 9), "a batch of 0 sequences without a token");
  EXPECT_ERROR(padded_batch(sequences, Rows{3}, 9), "a batch of 1 sequences without a token");
  const SpecialTokens special(100);
  EXPECT_EQ((std::set<std::int32_t>{special.start, special.separator, special.mask, special.padding}),
            (std::set<std::int32_t>{100, 101, 102, 103}));
}

/// 1,000 sequences of lengths 1 to 50.
Rows many_lengths() {
  Rows lengths;
  for (std::int64_t i = 0; i < 1000; ++i) lengths.push_back(1 + i * 7919 % 50);
  return lengths;
}

TEST(LengthBatches, AnEpochHasEverySequenceOnce) {
  LengthBatches batches(many_lengths(), {.batch = 32, .group = 4}, 3);
  ASSERT_EQ(batches.per_epoch(), 32);
  Rows before;
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    Rows all;
    int smaller = 0;
    for (std::int64_t i = 0; i < 32; ++i) {
      const Rows rows = copied(batches.batch(epoch * 32 + i));
      smaller += rows.size() == 8 ? 1 : 0;
      EXPECT_TRUE(rows.size() == 32 || rows.size() == 8) << rows.size();
      all.insert(all.end(), rows.begin(), rows.end());
    }
    EXPECT_EQ(smaller, 1);
    EXPECT_NE(all, before) << "two epochs in the same order";
    before = all;
    std::ranges::sort(all);
    ASSERT_EQ(all.size(), 1000u);
    for (std::int64_t i = 0; i < 1000; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
  }
}

TEST(LengthBatches, SequencesOfABatchHaveSimilarLengths) {
  const Rows lengths = many_lengths();
  const auto padding = [&](std::int64_t group) {
    LengthBatches batches(lengths, {.batch = 20, .group = group}, 3);
    std::int64_t cells = 0;
    for (std::int64_t i = 0; i < batches.per_epoch(); ++i) {
      std::int64_t longest = 0;
      for (const std::int64_t row : batches.batch(i))
        longest = std::max(longest, lengths[static_cast<std::size_t>(row)]);
      cells += 20 * longest;
    }
    return cells;
  };
  std::int64_t tokens = 0;
  for (const std::int64_t length : lengths) tokens += length;
  EXPECT_LT(padding(50), tokens * 21 / 20);
  EXPECT_LT(padding(10), tokens * 12 / 10);
  EXPECT_GT(padding(1), tokens * 3 / 2);
}

TEST(LengthBatches, ABatchDependsOnSeedAndNumberAlone) {
  const LengthBatchOptions options{.batch = 16};
  LengthBatches first(many_lengths(), options, 3), second(many_lengths(), options, 3),
      other(many_lengths(), options, 4);
  for (std::int64_t i = 0; i < 200; ++i) first.batch(i);
  for (const std::int64_t i : {130, 5, 64, 199})
    EXPECT_EQ(copied(first.batch(i)), copied(second.batch(i))) << i;
  EXPECT_NE(copied(first.batch(5)), copied(other.batch(5)));
  // The batches of one epoch are not sorted by length.
  const Rows lengths = many_lengths();
  Rows means;
  for (std::int64_t i = 0; i < first.per_epoch(); ++i)
    means.push_back(lengths[static_cast<std::size_t>(first.batch(i).front())]);
  EXPECT_FALSE(std::ranges::is_sorted(means));
}

TEST(LengthBatches, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(LengthBatches({}, {}, 1), "at least one is needed");
  EXPECT_ERROR(LengthBatches({1}, {.batch = 0}, 1), "batch 0: 1 to 1048576 is accepted");
  EXPECT_ERROR(LengthBatches({1}, {.group = 0}, 1), "group 0: 1 to 1048576 is accepted");
  LengthBatches batches({3}, {}, 1);
  EXPECT_EQ(copied(batches.batch(7)), Rows{0});
  EXPECT_ERROR(batches.batch(-1), "batch -1: 0 or more");
}

}  // namespace
}  // namespace attend::data
