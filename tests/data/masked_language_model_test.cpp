#include "attend/data/masked_language_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "support/expect_error.h"

namespace attend::data {
namespace {

using Ids = std::vector<std::int32_t>;

struct Hidden {
  Ids tokens, targets;
};

Hidden hide(const TokenMasker& masker, const Ids& text, std::uint64_t stream = 0, std::uint64_t first = 0) {
  Hidden hidden{.tokens = text, .targets = Ids(text.size())};
  masker.hide(hidden.tokens, hidden.targets, {.seed = 5, .stream = stream}, first);
  return hidden;
}

std::unique_ptr<Tokenizer> characters(std::string_view text) {
  return train_tokenizer({.kind = "char"}, text);
}

TEST(TokenMasker, HidesTheShareAskedForInTheWaysAskedFor) {
  const auto tokenizer = train_tokenizer({.kind = "byte"}, "");
  const TokenMasker masker(*tokenizer, {.whole_words = false});
  Ids text(200000);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::int32_t>(i % 256);
  const auto [tokens, targets] = hide(masker, text);
  double told = 0, masked = 0, kept = 0;
  std::set<std::int32_t> drawn;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (targets[i] < 0) {
      ASSERT_EQ(tokens[i], text[i]);
      continue;
    }
    ASSERT_EQ(targets[i], text[i]);
    ++told;
    if (tokens[i] == masker.special().mask)
      ++masked;
    else if (tokens[i] == text[i])
      ++kept;
    else
      drawn.insert(tokens[i]);
  }
  // Five standard deviations of the binomial distribution.
  EXPECT_NEAR(told / 200000, 0.15, 5 * std::sqrt(0.15 * 0.85 / 200000));
  EXPECT_NEAR(masked / told, 0.8, 5 * std::sqrt(0.16 / told));
  EXPECT_NEAR(kept / told, 0.1 + 0.1 / 256, 5 * std::sqrt(0.09 / told));
  EXPECT_EQ(drawn.size(), 256u);
  EXPECT_EQ(*drawn.rbegin(), 255);
}

TEST(TokenMasker, HidesWholeWords) {
  const std::string text = "one two, three-four  five";
  const auto tokenizer = characters(text);
  const TokenMasker masker(*tokenizer, {.share = 0.5, .masked = 1, .random = 0});
  const Ids ids = tokenizer->encode(text);
  // Where each stretch of letters, and each other character, begins.
  const std::vector<std::size_t> begins = {0, 3, 4, 7, 8, 9, 14, 15, 19, 20, 21, 25};
  std::set<std::string> seen;
  for (std::uint64_t stream = 0; stream < 50; ++stream) {
    const auto [tokens, targets] = hide(masker, ids, stream);
    std::string shown;
    for (std::size_t w = 0; w + 1 < begins.size(); ++w)
      for (std::size_t i = begins[w]; i < begins[w + 1]; ++i) {
        EXPECT_EQ(targets[i] >= 0, targets[begins[w]] >= 0) << text.substr(begins[w], i - begins[w] + 1);
        shown += targets[i] < 0 ? text[i] : '_';
      }
    seen.insert(shown);
  }
  EXPECT_GT(seen.size(), 40u);
}

TEST(TokenMasker, DrawsByThePlaceAndLeavesSpecialTokens) {
  const auto tokenizer = train_tokenizer({.kind = "byte"}, "");
  const TokenMasker masker(*tokenizer, {.share = 0.4, .whole_words = false});
  Ids text(64, 'a');
  const Hidden whole = hide(masker, text, 3, 100), other = hide(masker, text, 4, 100);
  const Hidden part = hide(masker, Ids(text.begin() + 10, text.end()), 3, 110);
  EXPECT_EQ(part.tokens, Ids(whole.tokens.begin() + 10, whole.tokens.end()));
  EXPECT_EQ(part.targets, Ids(whole.targets.begin() + 10, whole.targets.end()));
  EXPECT_NE(other.targets, whole.targets);
  std::ranges::fill(text, masker.special().separator);
  EXPECT_EQ(hide(masker, text).tokens, text);
  EXPECT_EQ(hide(masker, text).targets, Ids(64, -1));
}

TEST(TokenMasker, RefusesOtherShares) {
  const auto tokenizer = train_tokenizer({.kind = "byte"}, "");
  const auto make = [&](const MaskOptions& options) { return TokenMasker(*tokenizer, options); };
  for (const double share : {0.0, 1.0, -1.0, std::nan("")})
    EXPECT_ERROR(make({.share = share}), "share of hidden tokens");
  EXPECT_ERROR(make({.masked = 0.9, .random = 0.2}), "at most 1 together");
  EXPECT_ERROR(make({.masked = -0.1}), "0 or more");
}

/// A tokenizer of bytes, and a text whose every tenth token is a line break.
class MaskedRows : public testing::Test {
 protected:
  MaskedRows() {
    for (std::int32_t i = 0; i < 1000; ++i) text_.push_back(i % 10 == 9 ? '\n' : 'a' + i / 10 % 26);
  }
  TokenView view() const { return {text_, 256}; }

  std::unique_ptr<Tokenizer> tokenizer_ = train_tokenizer({.kind = "byte"}, "");
  Ids text_;
};

TEST_F(MaskedRows, RandomOnesBeginAtLinesAndDependOnTheirNumberAlone) {
  const WindowOptions window = {.batch = 6, .context = 33};
  const RandomMaskedRows rows(view(), *tokenizer_, window, {}, 7), again(view(), *tokenizer_, window, {}, 7),
      other(view(), *tokenizer_, window, {}, 8);
  const MaskedBatch batch = rows.batch(3);
  EXPECT_EQ(batch.rows, 6);
  EXPECT_EQ(batch.length, 33);
  ASSERT_EQ(batch.tokens.size(), 198u);
  again.batch(2);
  EXPECT_EQ(again.batch(3).tokens, batch.tokens);
  EXPECT_EQ(again.batch(3).targets, batch.targets);
  EXPECT_NE(rows.batch(4).tokens, batch.tokens);
  EXPECT_NE(other.batch(3).tokens, batch.tokens);
  std::set<std::int32_t> firsts;
  for (std::int64_t b = 0; b < 20; ++b) {
    const MaskedBatch many = rows.batch(b);
    for (std::size_t row = 0; row < 6; ++row) {
      EXPECT_EQ(many.tokens[33 * row], 256);
      EXPECT_EQ(many.targets[33 * row], -1);
      Ids plain(many.tokens.begin() + static_cast<std::ptrdiff_t>(33 * row) + 1,
                many.tokens.begin() + static_cast<std::ptrdiff_t>(33 * (row + 1)));
      for (std::size_t i = 0; i < 32; ++i)
        if (many.targets[33 * row + 1 + i] >= 0) plain[i] = many.targets[33 * row + 1 + i];
      // It stands in the text, at the beginning of a line (or too near the end for that).
      const auto found = std::search(text_.begin(), text_.end(), plain.begin(), plain.end());
      ASSERT_NE(found, text_.end());
      const auto place = found - text_.begin();
      EXPECT_TRUE(place % 10 == 0 || place > 958) << place;
      firsts.insert(plain[0]);
    }
  }
  EXPECT_GT(firsts.size(), 20u);
}

TEST_F(MaskedRows, ConsecutiveOnesReadEachTokenOnceAndHideBySeedAlone) {
  const auto all = [&](std::int64_t rows_at_once, std::uint64_t seed) {
    const ConsecutiveMaskedRows rows(view(), *tokenizer_, {.batch = rows_at_once, .context = 33}, {}, seed);
    Hidden joined;
    for (std::int64_t b = 0; b < rows.size(); ++b) {
      const MaskedBatch batch = rows.batch(b);
      for (std::int64_t row = 0; row < batch.rows; ++row)
        for (std::int64_t i = 0; i < batch.length; ++i) {
          const auto place = static_cast<std::size_t>(row * batch.length + i);
          if (i == 0) {
            EXPECT_EQ(batch.tokens[place], 256);
            EXPECT_EQ(batch.targets[place], -1);
            continue;
          }
          joined.tokens.push_back(batch.tokens[place]);
          joined.targets.push_back(batch.targets[place]);
        }
    }
    EXPECT_ERROR(rows.batch(rows.size()), "there are the batches 0 to");
    return joined;
  };
  const Hidden three = all(3, 1), seven = all(7, 1), other = all(3, 2);
  ASSERT_EQ(three.tokens.size(), 1000u);
  EXPECT_EQ(three.tokens, seven.tokens);
  EXPECT_EQ(three.targets, seven.targets);
  EXPECT_NE(three.targets, other.targets);
  for (std::size_t i = 0; i < 1000; ++i)
    EXPECT_EQ(three.targets[i] < 0 ? three.tokens[i] : three.targets[i], text_[i]);
}

TEST_F(MaskedRows, SizesAreChecked) {
  const auto random = [&](const WindowOptions& window) {
    return RandomMaskedRows(view(), *tokenizer_, window, {}, 1);
  };
  EXPECT_ERROR(random({.batch = 0, .context = 8}), "batch: 0 given");
  EXPECT_ERROR(random({.batch = 1, .context = 1}), "context: 1 given, 2 or more");
  EXPECT_ERROR(random({.batch = 1 << 20, .context = 1 << 20}), "at most");
  EXPECT_ERROR(random({.batch = 1, .context = 1002}), "choose a context of at most 1001");
  EXPECT_EQ(random({.batch = 2, .context = 1001}).batch(0).length, 1001);
  EXPECT_ERROR(ConsecutiveMaskedRows(TokenView(), *tokenizer_, {.batch = 1, .context = 4}, {}, 1),
               "has no token");
}

}  // namespace
}  // namespace attend::data
