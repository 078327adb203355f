#include "attend/io/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace attend::io {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

/// Files of this process may not grow beyond `bytes`: writes fail with EFBIG, as they do with ENOSPC on a
/// full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    rlimit limit = old_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_;
  void (*old_handler_)(int);
};

TEST(File, ReadsBackWhatWasWritten) {
  TemporaryFolder folder;
  const fs::path path = folder / "a.txt";
  for (std::size_t size : {0u, 1u, 15u, 16u, 4096u, 65535u, 65536u, 65537u, 1000000u}) {
    std::string content(size, 'x');
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 + i / 256);
    write_file_atomically(path, content);
    EXPECT_EQ(read_file(path), content);
    EXPECT_EQ(read_file(path, size), content);
    EXPECT_EQ(text_of(MappedFile(path).bytes()), content);
    if (size > 0) {
      EXPECT_ERROR(read_file(path, size - 1), "longer than");
    }
  }
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a.txt"});
}

TEST(File, ReadsAPipe) {
  TemporaryFolder folder;
  const fs::path path = folder / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string content(200000, 'p');
  std::thread writer([&] { std::ofstream(path) << content; });
  EXPECT_EQ(read_file(path), content);
  writer.join();
  EXPECT_ERROR(MappedFile{path}, "not a regular file");
}

TEST(File, NamesThePathAndTheReasonWhenItCannotRead) {
  TemporaryFolder folder;
  EXPECT_ERROR(read_file(folder / "none"), (folder / "none").string());
  EXPECT_ERROR(read_file(folder / "none"), "No such file");
  EXPECT_ERROR(MappedFile{folder / "none"}, "No such file");
  EXPECT_ERROR(read_file(folder.path()), "folder");
  EXPECT_ERROR(MappedFile{folder.path()}, "folder");
}

TEST(File, AMappingMovesAndSurvivesReplacementOfTheFile) {
  TemporaryFolder folder;
  write_file_atomically(folder / "a", "old content");
  MappedFile first(folder / "a");
  MappedFile second = std::move(first);
  EXPECT_TRUE(first.bytes().empty());  // NOLINT(bugprone-use-after-move): that it is empty is promised
  write_file_atomically(folder / "a", "new");
  EXPECT_EQ(text_of(second.bytes()), "old content");
  first = MappedFile(folder / "a");
  EXPECT_EQ(text_of(first.bytes()), "new");
}

TEST(NewFile, IsWrittenOnceAndSaysWhyItCannotBe) {
  TemporaryFolder folder;
  write_new_file(folder / "a", "first");
  EXPECT_EQ(read_file(folder / "a"), "first");
  EXPECT_ERROR(write_new_file(folder / "a", "second"),
               "cannot write " + (folder / "a").string() + ": File exists");
  EXPECT_EQ(read_file(folder / "a"), "first");
  EXPECT_ERROR(write_new_file(folder / "none/b", "x"), "No such file or directory");
  const FileSizeLimit limit(1000);
  EXPECT_ERROR(write_new_file(folder / "c", std::string(2000, 'x')), "File too large");
}

TEST(AtomicWrite, AFullDiskLeavesTheOldFileAndNoOther) {
  TemporaryFolder folder;
  const fs::path path = folder / "model";
  write_file_atomically(path, "the old file");
  std::string message;
  {
    FileSizeLimit limit(1000);
    message = test::error_of([&] { write_file_atomically(path, std::string(5000, 'n')); });
  }
  EXPECT_NE(message.find(path.string()), std::string::npos) << message;
  EXPECT_NE(message.find("large"), std::string::npos) << message;
  EXPECT_EQ(read_file(path), "the old file");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"model"});
}

TEST(AtomicWrite, AnExceptionOfTheCallerLeavesTheOldFileAndNoOther) {
  TemporaryFolder folder;
  const fs::path path = folder / "model";
  write_file_atomically(path, "the old file");
  EXPECT_THROW(write_file_atomically(path,
                                     [](const ByteSink& write) {
                                       write(std::as_bytes(std::span("half")));
                                       throw std::runtime_error("stop");
                                     }),
               std::runtime_error);
  EXPECT_EQ(read_file(path), "the old file");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"model"});
}

TEST(AtomicWrite, NobodySeesAHalfWrittenFile) {
  TemporaryFolder folder;
  const fs::path path = folder / "model";
  write_file_atomically(path, "old");
  write_file_atomically(path, [&](const ByteSink& write) {
    write(std::as_bytes(std::span(std::string_view("ne"))));
    EXPECT_EQ(read_file(path), "old");
    EXPECT_ERROR(write_file_atomically(path, "other"), "another process is writing it");
    write(std::as_bytes(std::span(std::string_view("w"))));
  });
  EXPECT_EQ(read_file(path), "new");
}

TEST(AtomicWrite, OverwritesTheLeftoverOfAKilledWriter) {
  TemporaryFolder folder;
  std::ofstream(folder / "a.part") << "a long leftover";
  write_file_atomically(folder / "a", "new");
  EXPECT_EQ(read_file(folder / "a"), "new");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
}

TEST(AtomicWrite, KeepsPermissionsAndFollowsLinks) {
  TemporaryFolder folder;
  write_file_atomically(folder / "a", "old");
  fs::permissions(folder / "a", fs::perms{0640});
  fs::create_symlink("a", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "a"), "new");
  EXPECT_EQ(fs::status(folder / "a").permissions(), fs::perms{0640});
}

TEST(AtomicWrite, RefusesWhatIsNoFile) {
  TemporaryFolder folder;
  EXPECT_ERROR(write_file_atomically(folder.path(), "x"), "folder");
  EXPECT_ERROR(write_file_atomically(folder / "none" / "a", "x"), "No such file");
  EXPECT_ERROR(write_file_atomically("", "x"), "not the name of a file");
  EXPECT_ERROR(write_file_atomically("/dev/null", "x"), "not a regular file");
  fs::create_symlink("/dev/null", folder / "a.part");
  EXPECT_ERROR(write_file_atomically(folder / "a", "x"), "cannot write");
  if (::geteuid() != 0) {
    write_file_atomically(folder / "read_only", "old");
    fs::permissions(folder / "read_only", fs::perms{0444});
    EXPECT_ERROR(write_file_atomically(folder / "read_only", "x"), "Permission denied");
  }
}

TEST(AtomicWrite, WorksInTheCurrentFolder) {
  TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  write_file_atomically("plain_name", "x");
  fs::current_path(before);
  EXPECT_EQ(read_file(folder / "plain_name"), "x");
}

}  // namespace
}  // namespace attend::io
