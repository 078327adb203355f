#include "attend/data/text.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace attend::data {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

void write(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

TEST(Text, ReadsAFileAsItIs) {
  TemporaryFolder folder;
  write(folder / "book", "Line 1\r\n\tline 2 é");
  EXPECT_EQ(read_text(folder / "book"), "Line 1\r\n\tline 2 é");
  write(folder / "bom.txt", "\xef\xbb\xbfx");
  EXPECT_EQ(read_text(folder / "bom.txt"), "x");
  EXPECT_EQ(read_text(folder / "bom.txt", {.require_utf8 = false}), "\xef\xbb\xbfx");
}

TEST(Text, JoinsTheTextFilesOfAFolderInOrder) {
  TemporaryFolder folder;
  write(folder / "b.txt", "two\n");
  write(folder / "a.TXT", "one");
  write(folder / "c" / "d.md", "three");
  write(folder / "c" / "e.text", "");
  write(folder / "z.txt",
        "\xef\xbb\xbf"
        "four");
  write(folder / "picture.png", "no");
  write(folder / ".hidden.txt", "no");
  write(folder / ".git" / "x.txt", "no");
  fs::create_directory(folder / "folder.txt");
  fs::create_symlink("nowhere", folder / "broken.txt");
  fs::create_directory_symlink(folder.path(), folder / "loop");
  EXPECT_EQ(read_text(folder.path()), "one\ntwo\nthree\nfour");
}

TEST(Text, NamesWhatIsWrong) {
  TemporaryFolder folder;
  EXPECT_ERROR(read_text(folder / "none.txt"), "none.txt: No such file");
  EXPECT_ERROR(read_text(folder.path()), "holds no text");
  write(folder / "data.csv", "1,2");
  EXPECT_ERROR(read_text(folder.path()), "*.txt, *.text or *.md");
  write(folder / "empty.txt", "");
  EXPECT_ERROR(read_text(folder / "empty.txt"), "empty.txt is empty");
  EXPECT_ERROR(read_text(folder.path()), "all 1 text files");
  write(folder / "latin.txt", "first\ncaf\xe9\n");
  EXPECT_ERROR(read_text(folder / "latin.txt"), "latin.txt is not UTF-8: byte 0xe9 in line 2 (byte 9)");
  EXPECT_ERROR(read_text(folder.path()), "latin.txt is not UTF-8");
  EXPECT_EQ(read_text(folder / "latin.txt", {.require_utf8 = false}), "first\ncaf\xe9\n");
  if (::geteuid() != 0) {
    write(folder / "secret.txt", "x");
    fs::permissions(folder / "secret.txt", fs::perms{});
    EXPECT_ERROR(read_text(folder / "secret.txt"), "Permission denied");
  }
}

}  // namespace
}  // namespace attend::data
