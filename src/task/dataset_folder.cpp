#include "task/dataset_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "attend/base/error.h"
#include "attend/io/file.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& reason) {
  throw Error(fmt::format("cannot make the folder {}: {}", path.string(), reason));
}

void require_free(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return;
  if (!fs::is_directory(path, error)) fail(path, "a file of this name is there; choose another name");
  if (!fs::is_empty(path, error) || error)
    fail(path, error ? error.message() : "it is there and not empty; choose another name or remove it");
}

/// "a/b/" is the folder "a/b".
fs::path without_slash(const fs::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

void remove_content(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) fs::remove_all(entry.path());
}

}  // namespace

NewFolder::NewFolder(const fs::path& path) : path_(without_slash(path)), part_(path_) {
  if (!path_.has_filename() || path_.filename() == "." || path_.filename() == "..")
    fail(path, "it is not the name of a new folder");
  require_free(path_);
  part_ += ".part";
  std::error_code error;
  fs::create_directories(part_, error);
  if (error) fail(part_, error.message());
  lock_ = ::open(part_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (lock_ < 0) fail(part_, std::generic_category().message(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    fail(path_, "another process is making it");
  }
  try {
    remove_content(part_);
    fs::create_directory(scratch());
  } catch (const fs::filesystem_error& failure) {
    ::close(lock_);
    fail(part_, failure.code().message());
  }
}

NewFolder::~NewFolder() {
  std::error_code ignored;
  if (!finished_) fs::remove_all(part_, ignored);
  ::close(lock_);
}

void NewFolder::add(const fs::path& name, std::string_view content) const {
  const fs::path path = part_ / name;
  fs::create_directories(path.parent_path());
  io::write_new_file(path, content);
}

void NewFolder::finish() {
  std::error_code error;
  fs::remove_all(scratch(), error);
  if (!error && ::syncfs(lock_) != 0) error = std::error_code(errno, std::generic_category());
  // Replaces an empty folder.
  if (!error) fs::rename(part_, path_, error);
  if (error) fail(path_, error.message());
  finished_ = true;
}

}  // namespace attend::task
