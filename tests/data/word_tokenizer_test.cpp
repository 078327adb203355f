#include <gtest/gtest.h>

#include <fstream>

#include "attend/data/tokenizer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace attend::data {
namespace {

using Pieces = std::vector<std::string>;

std::unique_ptr<Tokenizer> words(std::string_view text, std::int64_t vocabulary = 1000) {
  return train_tokenizer({.kind = "word", .vocabulary = vocabulary}, text);
}

Pieces pieces_of(const Tokenizer& tokenizer, std::string_view text) {
  Pieces pieces;
  for (const std::int32_t id : tokenizer.encode(text)) pieces.emplace_back(tokenizer.piece(id));
  return pieces;
}

TEST(WordTokenizer, SplitsAtSpacesAndPunctuationAroundWords) {
  const std::string text = "(It's Ann's 1,000 well-known \"don't\" n't 's) ... ";
  const auto tokenizer = words(text + text);
  EXPECT_EQ(pieces_of(*tokenizer, text), (Pieces{" (", " It's", " Ann's", " 1,000", " well-known", " \"",
                                                 " don't", " \"", " n't", " 's", " )", " .", " .", " ."}));
  EXPECT_EQ(tokenizer->kind(), "word");
  EXPECT_TRUE(tokenizer->encode(" \t\n").empty());
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("well-known  1,000")), " well-known 1,000");
}

TEST(WordTokenizer, KeepsTheMostFrequentWordsAndHidesOthers) {
  const auto tokenizer = words("b a c b a b once");
  EXPECT_EQ(tokenizer->size(), 3);  // c and once stand there once
  EXPECT_EQ(pieces_of(*tokenizer, "a b c \xc3\xa9"), (Pieces{" a", " b", " [UNK]", " [UNK]"}));
  EXPECT_EQ(tokenizer->encode("b")[0], 1);
  EXPECT_EQ(words("b a c b a b c", 3)->size(), 3);
  EXPECT_EQ(pieces_of(*words("b a c b a b c", 3), "a b c"), (Pieces{" a", " b", " [UNK]"}));
  EXPECT_ERROR(words("all words differ"), "no word stands twice");
  EXPECT_ERROR(words("\xff \xff"), "not UTF-8");
  EXPECT_ERROR(tokenizer->encode("\xff"), "not UTF-8");
}

TEST(WordTokenizer, IsSavedAndLoaded) {
  const test::TemporaryFolder folder;
  const std::string text = "the caf\xc3\xa9 \"the\" caf\xc3\xa9 \\ \\ the";
  const auto tokenizer = words(text);
  tokenizer->save(folder.path());
  const auto loaded = load_tokenizer(folder.path());
  EXPECT_EQ(loaded->kind(), "word");
  EXPECT_EQ(loaded->size(), tokenizer->size());
  EXPECT_EQ(loaded->encode(text), tokenizer->encode(text));
  const auto fails = [&](const std::string& list, const char* part) {
    std::ofstream(folder / "tokenizer.json", std::ios::binary)
        << R"({"format": "attend-tokenizer", "version": 1, "kind": "word", "words": )" << list << "}";
    EXPECT_ERROR(load_tokenizer(folder.path()), part);
  };
  fails("\"\"", "\"words\" is empty");
  fails("3", "\"words\" is not a text");
  fails("\"a  b\"", "separated by one space");
  fails("\"a\\nb\"", "separated by one space");
  fails("\"a b a\"", "names a word twice");
}

}  // namespace
}  // namespace attend::data
