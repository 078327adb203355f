#include "attend/data/synthetic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "support/compare.h"
#include "support/expect_error.h"

namespace attend {
namespace {

using data::kNoTarget;
using data::SyntheticTask;
using Tokens = std::vector<std::int32_t>;

struct Row {
  Tokens tokens, targets;
};

std::vector<Row> rows_of(const SyntheticTask& task, std::int64_t count, std::uint64_t seed = 1) {
  Generator random(seed);
  const data::SyntheticBatch batch = data::synthetic_batch(task, count, random);
  EXPECT_EQ(batch.tokens.shape(), (Shape{count, task.length}));
  const Tokens tokens = batch.tokens.to_vector<std::int32_t>(),
               targets = batch.targets.to_vector<std::int32_t>();
  for (const std::int32_t token : tokens) EXPECT_TRUE(token >= 0 && token < task.vocabulary) << token;
  for (const std::int32_t target : targets)
    EXPECT_TRUE(target >= kNoTarget && target < task.classes) << target;
  std::vector<Row> rows;
  for (auto i = tokens.begin(), j = targets.begin(); i != tokens.end(); i += task.length, j += task.length)
    rows.push_back({Tokens(i, i + task.length), Tokens(j, j + task.length)});
  return rows;
}

std::int64_t answers(const Row& row) {
  return std::count_if(row.targets.begin(), row.targets.end(), [](std::int32_t t) { return t != kNoTarget; });
}

TEST(Synthetic, RecallAsksForTheValueOfEachKey) {
  constexpr std::int64_t kPairs = 5, kKeys = 7;
  std::set<std::int32_t> all_keys, all_values;
  std::int64_t first_is_first = 0, first_is_last = 0;
  for (const Row& row :
       rows_of(data::associative_recall({.pairs = kPairs, .keys = kKeys, .values = 6}), 50)) {
    std::set<std::int32_t> keys, asked;
    for (std::size_t i = 0; i < kPairs; ++i) keys.insert(row.tokens[2 * i]);
    EXPECT_EQ(keys.size(), kPairs);
    for (std::size_t i = 2 * kPairs; i < 3 * kPairs; ++i) {
      asked.insert(row.tokens[i]);
      const auto pair = std::find(row.tokens.begin(), row.tokens.begin() + 2 * kPairs, row.tokens[i]);
      EXPECT_EQ(row.targets[i], *(pair + 1) - kKeys);
    }
    EXPECT_EQ(keys, asked);
    EXPECT_EQ(answers(row), kPairs);
    all_keys.insert(keys.begin(), keys.end());
    all_values.insert(row.targets.begin() + 2 * kPairs, row.targets.end());
    first_is_first += row.tokens[0] == row.tokens[2 * kPairs] ? 1 : 0;
    first_is_last += row.tokens[0] == row.tokens[3 * kPairs - 1] ? 1 : 0;
  }
  EXPECT_EQ(all_keys.size(), kKeys);
  EXPECT_EQ(all_values.size(), 6U);
  // Of 50 rows, each place a fifth: 10, standard deviation 2.8.
  EXPECT_NEAR(first_is_first, 10, 9);
  EXPECT_NEAR(first_is_last, 10, 9);
}

TEST(Synthetic, CopyAsksForTheFirstSymbols) {
  std::set<std::int32_t> symbols;
  for (const Row& row : rows_of(data::long_copy({.symbols = 5, .count = 3, .gap = 4}), 50)) {
    EXPECT_EQ(Tokens(row.tokens.begin() + 3, row.tokens.end()), (Tokens{5, 5, 5, 5, 6, 6, 6}));
    EXPECT_EQ(Tokens(row.targets.begin() + 7, row.targets.end()),
              Tokens(row.tokens.begin(), row.tokens.begin() + 3));
    EXPECT_EQ(answers(row), 3);
    symbols.insert(row.tokens.begin(), row.tokens.begin() + 3);
  }
  EXPECT_EQ(symbols, (std::set<std::int32_t>{0, 1, 2, 3, 4}));
}

// What lists have been seen.
struct Seen {
  Tokens operations = Tokens(4, 0);
  std::set<std::size_t> arguments;
  std::int64_t depth = 0;
};

// Reads one digit or list.
std::int32_t value_of(Tokens::const_iterator& token, Seen& seen, std::int64_t depth = 1) {
  if (*token < 10) return *token++;
  const std::int32_t operation = *token++ - 10;
  ++seen.operations.at(static_cast<std::size_t>(operation));
  seen.depth = std::max(seen.depth, depth);
  Tokens digits;
  while (*token != 14) digits.push_back(value_of(token, seen, depth + 1));
  ++token;
  seen.arguments.insert(digits.size());
  std::int32_t smallest = digits[0], largest = digits[0], sum = 0;
  for (const std::int32_t digit : digits) {
    smallest = std::min(smallest, digit);
    largest = std::max(largest, digit);
    sum += digit;
  }
  if (operation == 0) return smallest;
  if (operation == 1) return largest;
  if (operation == 3) return sum % 10;
  // The median has half of the others at each side: no more than half are below it, and no smaller one has.
  for (std::int32_t digit = 0; digit < 10; ++digit) {
    const auto up_to =
        std::count_if(digits.begin(), digits.end(), [&](std::int32_t d) { return d <= digit; });
    if (2 * static_cast<std::size_t>(up_to) >= digits.size()) return digit;
  }
  return -1;
}

TEST(Synthetic, ListsAskForTheirDigit) {
  Seen seen;
  for (const Row& row : rows_of(data::nested_lists(), 200)) {
    auto token = std::find_if(row.tokens.begin(), row.tokens.end(), [](std::int32_t t) { return t != 15; });
    EXPECT_EQ(value_of(token, seen), row.targets.back());
    EXPECT_EQ(*token, 16);
    EXPECT_EQ(token + 1, row.tokens.end());
    EXPECT_EQ(answers(row), 1);
  }
  for (const std::int32_t count : seen.operations) EXPECT_GT(count, 50);
  EXPECT_EQ(seen.arguments, (std::set<std::size_t>{2, 3, 4}));
  EXPECT_EQ(seen.depth, 3);
}

TEST(Synthetic, TheSeedAloneDecides) {
  for (const SyntheticTask& task :
       {data::associative_recall(), data::long_copy(), data::nested_lists({.length = 20})}) {
    EXPECT_EQ(rows_of(task, 3, 1)[2].tokens, rows_of(task, 3, 1)[2].tokens);
    EXPECT_NE(rows_of(task, 3, 1)[2].tokens, rows_of(task, 3, 2)[2].tokens);
    EXPECT_NE(rows_of(task, 3, 1)[1].tokens, rows_of(task, 3, 1)[2].tokens);
  }
}

TEST(Synthetic, RefusesSizesThatCannotBe) {
  EXPECT_ERROR(data::associative_recall({.pairs = 9, .keys = 8}), "as many keys as pairs");
  EXPECT_ERROR(data::associative_recall({.pairs = 0}), "0 pairs");
  EXPECT_ERROR(data::long_copy({.count = 0}), "copying 0");
  EXPECT_ERROR(data::long_copy({.gap = -1}), "gap of -1");
  EXPECT_ERROR(data::nested_lists({.length = 7}), "length 7");
  EXPECT_ERROR(data::nested_lists({.depth = 0}), "depth 0");
  EXPECT_ERROR(data::nested_lists({.arguments = 1}), "1 arguments");
}

}  // namespace
}  // namespace attend
