#include "attend/io/idx.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/files.h"
#include "support/gzipped.h"
#include "support/temporary_folder.h"

namespace attend::io {
namespace {

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

IdxArray parse(const std::string& text) {
  return parse_idx(std::as_bytes(std::span(text)), "file");
}

/// "\0\0", the type, the number of sizes, then `rest`.
std::string idx(char type, char rank, const std::string& rest) {
  return std::string{'\0', '\0', type, rank} + rest;
}

TEST(Idx, ReadsFilesPackedOrNot) {
  const test::TemporaryFolder folder;
  const IdxArray array{{2, 1, 3}, {1, 2, 3, 253, 254, 255}};
  const std::string text = text_of(encode_idx(array));
  EXPECT_EQ(text, idx(8, 3, std::string("\0\0\0\2\0\0\0\1\0\0\0\3\1\2\3\375\376\377", 18)));
  test::write_all(folder / "plain", text);
  test::write_all(folder / "packed.gz", test::gzipped(text));
  EXPECT_EQ(read_idx(folder / "plain"), array);
  EXPECT_EQ(read_idx(folder / "packed.gz"), array);
  EXPECT_EQ(parse(text_of(encode_idx({{3, 0}, {}}))), (IdxArray{{3, 0}, {}}));
  EXPECT_ERROR(read_idx(folder / "packed.gz", {.max_bytes = 10}), "packed.gz: longer than 10 bytes");
  EXPECT_ERROR(read_idx(folder / "none"), "none: No such file");
  test::write_all(folder / "cut.gz", test::gzipped(text).substr(0, 20));
  EXPECT_ERROR(read_idx(folder / "cut.gz"), "cut.gz: unexpected end of file");
}

TEST(Idx, NamesWhatIsWrong) {
  const std::string whole = text_of(encode_idx({{300}, std::vector<std::uint8_t>(300)}));
  EXPECT_EQ(parse(whole).shape, std::vector<std::int64_t>{300});
  EXPECT_ERROR(parse(""), "cannot read file: it is no IDX file");
  EXPECT_ERROR(parse("hello"), "it is no IDX file");
  EXPECT_ERROR(parse(idx(8, 0, "")), "it is no IDX file");
  EXPECT_ERROR(parse(idx(0x0d, 1, "")), "elements of type 0x0d; expected 0x08, unsigned bytes");
  EXPECT_ERROR(parse(whole.substr(0, 7)), "it is cut short: 7 bytes, and its 1 sizes need 8");
  EXPECT_ERROR(parse(whole.substr(0, 307)),
               "it is cut short: 299 bytes behind the header, and the sizes 300 need 300");
  EXPECT_ERROR(parse(whole + "x"), "it goes on behind its end: 301 bytes behind the header");
  EXPECT_ERROR(parse(idx(8, 1, "\1\2\3\4")), "the sizes 16909060 need 16909060");
  EXPECT_ERROR(parse(idx(8, 3, std::string(12, '\377'))), "multiply to more than 2^63");
  EXPECT_ERROR(encode_idx({{2, 2}, {1}}), "an IDX file of sizes [2, 2] and 1 values");
  EXPECT_ERROR(encode_idx({{}, {1}}), "an IDX file of sizes []");
  EXPECT_ERROR(encode_idx({{-1, -1}, {1}}), "an IDX file of sizes [-1, -1]");
  EXPECT_ERROR(encode_idx({{std::int64_t{1} << 32, 0}, {}}), "expected 1 to 255 sizes from 0 to 4294967295");
}

}  // namespace
}  // namespace attend::io
