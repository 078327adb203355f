#include "data/word_pieces.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace attend::data {
namespace {

using Ids = std::vector<std::int64_t>;

class WordPiecesTest : public ::testing::Test {
 protected:
  std::vector<WordPieces> encode(const std::vector<std::string>& sentence, std::int64_t context) {
    return WordEncoder(*tokenizer_, 1000).encode(sentence, context);
  }
  std::string text(const WordPieces& part) const {
    EXPECT_EQ(part.ids.front(), 1000);
    return tokenizer_->decode(std::span(part.ids).subspan(1));
  }

  std::unique_ptr<Tokenizer> tokenizer_ = train_tokenizer({.kind = "byte"}, "any");
};

TEST_F(WordPiecesTest, SayWhereEachWordBegins) {
  const auto parts = encode({"a", "dög", "!"}, 100);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(text(parts[0]), " a dög !");
  EXPECT_EQ(parts[0].words, (Ids{1, 3, 8}));
  EXPECT_EQ(parts[0].first_word, 0);
  EXPECT_TRUE(encode({}, 100).empty());
}

TEST_F(WordPiecesTest, FillOnePartAfterTheOther) {
  // With their spaces 2, 4, 3, 9 and 2 bytes; a part has a mark and 6 more.
  const auto parts = encode({"a", "cat", "is", "exciting", "."}, 7);
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(text(parts[0]), " a cat");
  EXPECT_EQ(text(parts[1]), " is");
  EXPECT_EQ(text(parts[2]), " excit");
  EXPECT_EQ(text(parts[3]), " .");
  EXPECT_EQ(parts[0].words, (Ids{1, 3}));
  EXPECT_EQ(parts[1].first_word, 2);
  EXPECT_EQ(parts[2].first_word, 3);
  EXPECT_EQ(parts[3].first_word, 4);
  EXPECT_EQ(encode({"a", "b", "c"}, 2).size(), 3u);
  EXPECT_ERROR(encode({"a"}, 1), "a context of 1 tokens: at least 2 needed");
}

TEST_F(WordPiecesTest, DoNotDependOnTheNeighbours) {
  tokenizer_ = train_tokenizer({.kind = "unigram", .vocabulary = 320},
                               "the cat sat on the mat. the cats sat on the mats. the mat is the cat's.");
  const auto pieces = [&](const std::vector<std::string>& sentence, std::size_t word) {
    const WordPieces part = encode(sentence, 100)[0];
    const auto begin = static_cast<std::ptrdiff_t>(part.words[word]);
    const auto end = word + 1 < part.words.size() ? static_cast<std::ptrdiff_t>(part.words[word + 1])
                                                  : static_cast<std::ptrdiff_t>(part.ids.size());
    return std::vector<std::int32_t>(part.ids.begin() + begin, part.ids.begin() + end);
  };
  EXPECT_EQ(pieces({"cat", "sat"}, 0), pieces({"the", "cat", "."}, 1));
  EXPECT_EQ(tokenizer_->decode(pieces({"the", "unknown", "cat"}, 1)), " unknown");
}

}  // namespace
}  // namespace attend::data
