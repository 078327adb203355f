#include "io/gzip.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/expect_error.h"
#include "support/gzipped.h"
#include "support/temporary_folder.h"

namespace attend::io {
namespace {

class Gzip : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& content) const {
    std::ofstream(folder_ / "file", std::ios::binary | std::ios::trunc) << content;
    return folder_ / "file";
  }

  /// Longer than what is read at once, with bytes of all kinds.
  static std::string text() {
    std::string text;
    for (int i = 0; i < 100000; ++i) text += static_cast<char>(i * 7 + i / 256);
    return text;
  }

  test::TemporaryFolder folder_;
};

TEST_F(Gzip, FilesAreReadPackedOrNot) {
  EXPECT_TRUE(read_gzip_file(file(text()), 1 << 20) == text());
  EXPECT_TRUE(read_gzip_file(file(test::gzipped(text())), 1 << 20) == text());
  EXPECT_EQ(read_gzip_file(file(""), 10), "");
  EXPECT_EQ(read_gzip_file(file(test::gzipped("")), 10), "");
  // Packed files may follow each other.
  EXPECT_EQ(read_gzip_file(file(test::gzipped("one ") + test::gzipped("two")), 10), "one two");
}

TEST_F(Gzip, WhatIsDamagedIsAnError) {
  const std::string packed = test::gzipped(text());
  for (const std::size_t size : {packed.size() - 1, packed.size() - 9, packed.size() / 2, std::size_t{12}})
    EXPECT_ERROR(read_gzip_file(file(packed.substr(0, size)), 1 << 20), "file: unexpected end of file");
  std::string changed = packed;
  changed[packed.size() - 6] = static_cast<char>(~changed[packed.size() - 6]);
  EXPECT_ERROR(read_gzip_file(file(changed), 1 << 20), "file: incorrect data check");
  EXPECT_ERROR(read_gzip_file(file(packed), 50000), "file: longer than 50000 bytes");
  EXPECT_ERROR(read_gzip_file(folder_ / "nothing", 10), "nothing: No such file or directory");
  EXPECT_ERROR(read_gzip_file(folder_.path(), 10), "Is a directory");
}

}  // namespace
}  // namespace attend::io
