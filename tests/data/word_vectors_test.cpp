#include "attend/data/word_vectors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <limits>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace attend::data {
namespace {

using Values = std::vector<float>;

std::string binary_of(const Values& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

class WordVectors : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& content) const {
    std::ofstream(folder_ / "vectors", std::ios::binary) << content;
    return folder_ / "vectors";
  }
  std::vector<WordVector> read(const std::string& content, const ReadOptions& options = {}) const {
    WordVectorReader reader(file(content), options);
    std::vector<WordVector> all;
    while (auto vector = reader.next()) all.push_back(std::move(*vector));
    EXPECT_FALSE(reader.next());
    return all;
  }
  void fails(const std::string& content, const char* part) const { EXPECT_ERROR(read(content), part); }

  test::TemporaryFolder folder_;
};

TEST_F(WordVectors, ReadsAllThreeFormats) {
  const Values first = {0.5f, -1, 2e-3f}, second = {1, 2, 3};
  const std::string text = "the 0.5 -1 2e-3\nof 1 2 3\n";
  for (const std::string& content :
       std::vector<std::string>{"2 3\n" + text, text, "2 3\r\nthe 0.5 -1 2e-3 \r\nof\t1\t2\t3",
                                "2 3\nthe " + binary_of(first) + "\nof " + binary_of(second) + "\n",
                                "2 3\nthe " + binary_of(first) + "of " + binary_of(second)}) {
    const auto vectors = read(content);
    ASSERT_EQ(vectors.size(), 2u) << content;
    EXPECT_EQ(vectors[0].word, "the");
    EXPECT_EQ(vectors[0].values, first);
    EXPECT_EQ(vectors[1].word, "of");
    EXPECT_EQ(vectors[1].values, second);
  }
  const auto spaced = read("a 1 2\n. . 3 4\n");
  EXPECT_EQ(spaced[1].word, ". .");
  EXPECT_EQ(spaced[1].values, (Values{3, 4}));
  EXPECT_TRUE(read("0 7\n").empty());
  EXPECT_FALSE(WordVectorReader(file("2 3\n" + text)).is_binary());
  EXPECT_TRUE(WordVectorReader(file("1 3\nthe " + binary_of(first))).is_binary());
  EXPECT_EQ(WordVectorReader(file(text)).dim(), 3);
}

TEST_F(WordVectors, ReadsBinaryFilesLargerThanItsBuffer) {
  std::string content = "3000 50\n";
  for (int i = 0; i < 3000; ++i)
    content += "w" + std::to_string(i) + " " + binary_of(Values(50, static_cast<float>(i))) + "\n";
  const auto vectors = read(content);
  ASSERT_EQ(vectors.size(), 3000u);
  for (int i = 0; i < 3000; ++i) {
    EXPECT_EQ(vectors[static_cast<std::size_t>(i)].word, "w" + std::to_string(i));
    EXPECT_EQ(vectors[static_cast<std::size_t>(i)].values, Values(50, static_cast<float>(i)));
  }
}

TEST_F(WordVectors, BadFilesAreNamed) {
  fails("", "vectors is empty; word vectors expected");
  fails("word\n", "vectors, line 1: 1 column; expected a word and its numbers");
  fails("2 70000\na 1\n", "vectors, line 1: vectors of 70000 numbers; at most 65536 accepted");
  fails("a 1 2\nb 1\n", "vectors, line 2: 2 columns; expected a word and 2 numbers");
  fails("a 1 2\nb 1 x\n", "vectors, line 2: 'x' is no finite number");
  fails("a 1 2\nb 1 nan\n", "'nan' is no finite number");
  fails("a 1 2\nb 1 1e99\n", "'1e99' is no finite number");
  fails("a 1 2\n\nb 1 2\n", "vectors, line 2: 0 columns; expected a word and 2 numbers");
  fails("a 1 2\n\xff 1 2\n", "vectors, line 2");
  fails("2 1\na 1\n", "vectors: ends after 1 words, and its first line tells of 2");
  fails("1 1\na 1\nb 1\n", "vectors: has at least 2 words, and its first line tells of 1");
  const std::string binary = "2 2\nab " + binary_of({1, 2});
  fails(binary, "vectors: ends after 1 words, and its first line tells of 2");
  fails(binary + "cd", "vectors, word 2: the file ends inside the word");
  fails(binary + "cd " + binary_of({1}),
        "vectors, word 2: the file ends inside the vector; expected 8 bytes");
  fails(binary + " " + binary_of({1, 2}), "vectors, word 2: an empty word");
  fails(binary + "\xff " + binary_of({1, 2}), "vectors, word 2: the word is not UTF-8");
  fails(binary + "c " + binary_of({1, std::numeric_limits<float>::quiet_NaN()}), "infinite or none");
  fails(binary + "c " + binary_of({1, 2}) + "d " + binary_of({1, 2}), "has at least 3 words");
  EXPECT_ERROR(WordVectorReader(folder_ / "nothing"), "nothing");
}

TEST_F(WordVectors, BadRecordsAreSkippedWhenAskedTo) {
  const ReadOptions skip = {.bad_records = BadRecords::kSkip};
  const auto vectors = read("4 2\na 1 2\nb 1\nc x 2\nd 3 4\n", skip);
  ASSERT_EQ(vectors.size(), 2u);
  EXPECT_EQ(vectors[1].word, "d");
  const auto binary =
      read("3 1\nab " + binary_of({-1.5f}) + "\xff " + binary_of({1.5f}) + "cd " + binary_of({-2.5f}), skip);
  ASSERT_EQ(binary.size(), 2u);
  EXPECT_EQ(binary[1].word, "cd");
  WordVectorReader reader(file("a 1 2\nb 1\n"), skip);
  while (reader.next()) {
  }
  EXPECT_EQ(reader.skipped().count, 1);
  EXPECT_NE(reader.skipped().first.find("vectors, line 2: 2 columns"), std::string::npos);
}

}  // namespace
}  // namespace attend::data
