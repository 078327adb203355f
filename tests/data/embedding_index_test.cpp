#include "attend/data/embedding_index.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <limits>

#include "attend/data/token_file.h"
#include "attend/io/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace attend::data {
namespace {

EmbeddingIndex three_texts() {
  EmbeddingIndex index(2, 42);
  index.add("first", std::vector<float>{1, 0});
  index.add("", std::vector<float>{0, 1});
  index.add("th\xc3\xadrd", std::vector<float>{0.6f, 0.8f});
  return index;
}

/// The file of three_texts(), with other bytes at some places and a checksum that fits again.
std::string changed(std::size_t at, const std::string& bytes, bool mend = true) {
  const test::TemporaryFolder folder;
  three_texts().save(folder / "index");
  std::string content = io::read_file(folder / "index");
  content.replace(at, bytes.size(), bytes);
  const std::uint64_t sum = checksum(std::string_view(content).substr(0, content.size() - 8));
  if (mend) std::memcpy(content.data() + content.size() - 8, &sum, sizeof sum);
  return content;
}

EmbeddingIndex parsed(const std::string& content) {
  return EmbeddingIndex::parse(std::as_bytes(std::span(content)), "here");
}

std::string number(std::uint64_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

TEST(EmbeddingIndex, ComesBackFromItsFile) {
  const test::TemporaryFolder folder;
  three_texts().save(folder / "index");
  EXPECT_TRUE(EmbeddingIndex::is_index(folder / "index"));
  const EmbeddingIndex index = EmbeddingIndex::load(folder / "index");
  EXPECT_EQ(index.size(), 3);
  EXPECT_EQ(index.dim(), 2);
  EXPECT_EQ(index.model(), 42u);
  EXPECT_EQ(index.text(0), "first");
  EXPECT_EQ(index.text(1), "");
  EXPECT_EQ(index.text(2), "th\xc3\xadrd");
  EXPECT_EQ(index.vectors(1, 3)[3], 0.8f);
  EXPECT_EQ(index.vectors(3, 3).size(), 0u);
  EXPECT_ERROR(index.text(3), "text 3 of an index of 3");
  EXPECT_ERROR(index.vectors(2, 4), "vectors 2 to 4 of an index of 3");
}

TEST(EmbeddingIndex, TakesWhatFitsOnly) {
  EmbeddingIndex index(2, 0);
  EXPECT_ERROR(index.add("a", std::vector<float>{1}), "a vector of 1 numbers for an index of 2");
  EXPECT_ERROR(index.add("a", std::vector<float>{1, std::numeric_limits<float>::quiet_NaN()}), "not finite");
  EXPECT_ERROR(EmbeddingIndex(0, 0), "vectors of 0 numbers");
  const test::TemporaryFolder folder;
  EXPECT_ERROR(index.save(folder / "index"), "at least one text");
  EXPECT_FALSE(std::filesystem::exists(folder / "index"));
  EXPECT_ERROR(three_texts().save(folder / "nowhere" / "index"), "nowhere");
}

TEST(EmbeddingIndex, EveryDamageIsOneLine) {
  EXPECT_NO_THROW(parsed(changed(8, number(43))));
  EXPECT_ERROR(parsed(changed(0, "NOTANIDX")), "here is no valid index: it does not start with ATTNIDX1");
  EXPECT_ERROR(parsed(changed(0, "ATTNIDX2")), "of another version of attend");
  EXPECT_ERROR(parsed(changed(16, number(0))), "its vectors have 0 numbers");
  EXPECT_ERROR(parsed(changed(16, number(UINT64_MAX))), "numbers, 1 to 1048576");
  EXPECT_ERROR(parsed(changed(24, number(0))), "it holds no texts");
  EXPECT_ERROR(parsed(changed(24, number(UINT64_MAX / 8))), "cut short or damaged");
  EXPECT_ERROR(parsed(changed(24, number(4))), "cut short or damaged");
  EXPECT_ERROR(parsed(changed(32, number(UINT64_MAX - 50))), "cut short or damaged");
  EXPECT_ERROR(parsed(changed(40, "\xff\xff\xff\x7f")), "not finite");
  EXPECT_ERROR(parsed(changed(64, number(12))), "end before they begin");
  EXPECT_ERROR(parsed(changed(80, number(10))), "its texts end at byte 10 of 11");
  EXPECT_ERROR(parsed(changed(88, "\xff")), "text 1 is not UTF-8");
  EXPECT_ERROR(parsed(changed(88, "x", false)), "its checksum does not fit");
  const std::string whole = changed(8, number(42));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_ERROR(parsed(whole.substr(0, size)), "here is no valid index: ");
  EXPECT_ERROR(parsed(whole + "x"), "cut short or damaged");
}

TEST(EmbeddingIndex, FilesAreToldFromOthers) {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "text") << "ATTN is no index";
  std::ofstream(folder / "short") << "A";
  EXPECT_FALSE(EmbeddingIndex::is_index(folder / "text"));
  EXPECT_FALSE(EmbeddingIndex::is_index(folder / "short"));
  EXPECT_FALSE(EmbeddingIndex::is_index(folder / "nowhere"));
  EXPECT_FALSE(EmbeddingIndex::is_index(folder.path()));
  EXPECT_ERROR(EmbeddingIndex::load(folder / "text"), "it has 16 bytes only");
  EXPECT_ERROR(EmbeddingIndex::load(folder / "nowhere"), "nowhere");
}

}  // namespace
}  // namespace attend::data
