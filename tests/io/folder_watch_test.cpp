#include "attend/io/folder_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "attend/io/file.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kSoon(50), kSurely(10'000);

std::string name_of(const std::optional<fs::path>& file) {
  return file ? file->filename().string() : "nothing";
}

TEST(FolderWatch, FilesThatAreThereComeFirstByName) {
  const TemporaryFolder folder;
  write_all(folder / "b", "1");
  write_all(folder / "a", "2");
  write_all(folder / ".hidden", "3");
  fs::create_directory(folder / "folder");
  io::FolderWatch watch(folder.path());
  EXPECT_EQ(watch.next(kSoon), fs::path(folder / "a"));
  EXPECT_EQ(name_of(watch.next(kSoon)), "b");
  EXPECT_EQ(name_of(watch.next(kSoon)), "nothing");
}

TEST(FolderWatch, AFileArrivesWhenItIsWhole) {
  const TemporaryFolder folder;
  io::FolderWatch watch(folder.path());
  std::ofstream file(folder / "slow");
  file << "half" << std::flush;
  EXPECT_EQ(name_of(watch.next(kSoon)), "nothing");
  file << "whole";
  file.close();
  EXPECT_EQ(name_of(watch.next(kSurely)), "slow");
  EXPECT_EQ(name_of(watch.next(kSoon)), "nothing");
  // By a temporary file and a rename: once, under its own name as the last.
  io::write_file_atomically(folder / "renamed", "whole");
  std::string last;
  while (const auto next = watch.next(kSoon)) last = name_of(next);
  EXPECT_EQ(last, "renamed");
  write_all(folder / ".hidden", "3");
  EXPECT_EQ(name_of(watch.next(kSoon)), "nothing");
}

// As of a file whose writer closes it between the beginning of the watch and the look into the folder.
TEST(FolderWatch, AFileThatWasThereAlreadyComesOnce) {
  const TemporaryFolder folder;
  write_all(folder / "a", "1");
  io::FolderWatch watch(folder.path());
  std::ofstream(folder / "a", std::ios::app).close();
  EXPECT_EQ(name_of(watch.next(kSoon)), "a");
  EXPECT_EQ(name_of(watch.next(kSoon)), "nothing");
}

TEST(FolderWatch, AFileThatIsWrittenAnewComesAgain) {
  const TemporaryFolder folder;
  write_all(folder / "latest", "1");
  io::FolderWatch watch(folder.path());
  EXPECT_EQ(name_of(watch.next(kSoon)), "latest");
  for (const char* content : {"first", "second one"}) {
    write_all(folder / "latest", content);
    EXPECT_EQ(name_of(watch.next(kSurely)), "latest") << content;
    EXPECT_EQ(name_of(watch.next(kSoon)), "nothing") << content;
  }
}

TEST(FolderWatch, WhatCannotBeWatchedIsNamed) {
  const TemporaryFolder folder;
  EXPECT_ERROR(io::FolderWatch(folder / "missing"), "missing: No such file");
  write_all(folder / "file", "1");
  EXPECT_ERROR(io::FolderWatch(folder / "file"), "file: Not a directory");
  fs::create_directory(folder / "gone");
  io::FolderWatch watch(folder / "gone");
  fs::remove(folder / "gone");
  EXPECT_ERROR(watch.next(kSurely), "gone: the folder was moved or removed");
}

}  // namespace
}  // namespace attend::test
