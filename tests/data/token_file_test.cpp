#include "attend/data/token_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <numeric>
#include <vector>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace attend::data {
namespace {

using test::TemporaryFolder;
using Ids = std::vector<std::int32_t>;

Ids all_of(const TokenView& tokens) {
  Ids ids(static_cast<std::size_t>(tokens.size()));
  tokens.copy(0, ids);
  return ids;
}

void write_plainly(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

TEST(TokenFile, GivesBackWhatWasWritten) {
  TemporaryFolder folder;
  for (const std::int64_t vocabulary : {2l, 65536l, 65537l, 2147483648l}) {
    for (const std::size_t count : {0u, 1u, 3u, 65535u, 65536u, 200001u}) {
      Ids ids(count);
      for (std::size_t i = 0; i < count; ++i) {
        ids[i] = static_cast<std::int32_t>(static_cast<std::int64_t>(i) * 7919 % vocabulary);
      }
      if (count > 0) ids.back() = static_cast<std::int32_t>(vocabulary - 1);
      TokenFile::write(folder / "tokens", ids, vocabulary, 42);
      const std::size_t width = vocabulary <= 65536 ? 2 : 4;
      EXPECT_EQ(std::filesystem::file_size(folder / "tokens"), 64 + width * count);
      const TokenFile file(folder / "tokens");
      EXPECT_EQ(file.source(), 42u);
      EXPECT_EQ(file.tokens().vocabulary(), vocabulary);
      ASSERT_EQ(file.tokens().size(), static_cast<std::int64_t>(count));
      EXPECT_TRUE(all_of(file.tokens()) == ids);
    }
  }
}

TEST(TokenFile, ViewsSurviveAMoveAndSlice) {
  TemporaryFolder folder;
  Ids ids(100);
  std::iota(ids.begin(), ids.end(), 0);
  TokenFile::write(folder / "tokens", ids, 100, 0);
  TokenFile file(folder / "tokens");
  const TokenView view = file.tokens();
  const TokenFile moved = std::move(file);
  EXPECT_EQ(all_of(view.slice(10, 3)), (Ids{10, 11, 12}));
  EXPECT_EQ(all_of(moved.tokens().slice(10, 80).slice(79, 1)), (Ids{89}));
  EXPECT_EQ(all_of(view.slice(100, 0)), Ids{});
}

TEST(TokenView, ChecksPlacesAndIds) {
  const Ids ids{0, 1, 2, 9};
  const TokenView view(ids, 5);
  Ids two(2);
  view.copy(1, two);
  EXPECT_EQ(two, (Ids{1, 2}));
  EXPECT_ERROR(view.copy(2, two), "token 9 at place 3 is not in the vocabulary, which has the tokens 0 to 4");
  EXPECT_ERROR(view.copy(3, two), "2 tokens from place 3 on were asked for; there are 4");
  EXPECT_ERROR(view.copy(-1, two), "place -1");
  EXPECT_ERROR(view.slice(0, 5), "there are 4");
  EXPECT_ERROR(view.slice(1, -1), "-1 tokens");
  EXPECT_ERROR(view.slice(std::int64_t{1} << 62, std::int64_t{1} << 62), "there are 4");
}

TEST(TokenFile, RefusesToWriteBadIdsAndKeepsTheOldFile) {
  TemporaryFolder folder;
  TokenFile::write(folder / "tokens", Ids{1, 2}, 3, 0);
  EXPECT_ERROR(TokenFile::write(folder / "tokens", Ids{1, 3}, 3, 0), "token 3 at place 1");
  EXPECT_ERROR(TokenFile::write(folder / "tokens", Ids{-1}, 3, 0), "token -1 at place 0");
  EXPECT_ERROR(TokenFile::write(folder / "tokens", Ids{}, 0, 0), "vocabulary: 0 given");
  EXPECT_EQ(all_of(TokenFile(folder / "tokens").tokens()), (Ids{1, 2}));
}

TEST(TokenFile, RefusesDamagedFiles) {
  TemporaryFolder folder;
  TokenFile::write(folder / "tokens", Ids{1, 2, 3}, 100, 7);
  const std::string good = io::read_file(folder / "tokens");
  ASSERT_EQ(good.size(), 70u);
  for (std::size_t length = 0; length < good.size(); ++length) {
    write_plainly(folder / "bad", good.substr(0, length));
    EXPECT_ERROR(TokenFile{folder / "bad"}, "bad is not a valid token file: it");
  }
  write_plainly(folder / "bad", good + "xy");
  EXPECT_ERROR(TokenFile{folder / "bad"}, "it should hold 3 tokens and has 8 bytes for them");
  for (std::size_t bit = 0; bit < 8 * 40; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    write_plainly(folder / "bad", bad);
    EXPECT_ERROR(TokenFile{folder / "bad"}, "bad is not a valid token file: it");
  }
  std::string bad_id = good;
  bad_id[64] = 100;
  write_plainly(folder / "bad", bad_id);
  const TokenFile file(folder / "bad");
  EXPECT_ERROR(all_of(file.tokens()), "token 100 at place 0");
  EXPECT_ERROR(TokenFile{folder / "none"}, "No such file");
  EXPECT_ERROR(TokenFile{folder.path()}, "folder");
}

TEST(TokenFile, RefusesACountThatOverflows) {
  TemporaryFolder folder;
  TokenFile::write(folder / "tokens", Ids{}, 70000, 7);
  std::string bad = io::read_file(folder / "tokens");
  const std::uint64_t count = std::uint64_t{1} << 62;  // times 4 bytes is 0
  std::memcpy(bad.data() + 8, &count, 8);
  const std::uint64_t check = checksum(std::string_view(bad).substr(0, 32));
  std::memcpy(bad.data() + 32, &check, 8);
  write_plainly(folder / "bad", bad);
  EXPECT_ERROR(TokenFile{folder / "bad"}, "it should hold 4611686018427387904 tokens and has 0 bytes");
}

// The published test vectors of 64-bit FNV-1a.
TEST(Checksum, IsFnv1a) {
  EXPECT_EQ(checksum(""), 0xcbf29ce484222325u);
  EXPECT_EQ(checksum("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(checksum("foobar"), 0x85944171f73967e8u);
  EXPECT_EQ(checksum("bar", checksum("foo")), checksum("foobar"));
}

}  // namespace
}  // namespace attend::data
