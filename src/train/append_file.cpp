#include "train/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "attend/base/error.h"

namespace attend::train {

AppendFile::AppendFile(const std::filesystem::path& path)
    : path_(path), fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (fd_ < 0) fail(errno);
}

AppendFile::~AppendFile() {
  ::close(fd_);
}

void AppendFile::truncate(std::uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) fail(errno);
}

void AppendFile::append(std::string_view record) {
  struct stat before;
  if (::fstat(fd_, &before) != 0) fail(errno);
  std::string_view rest = record;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      // When this fails too, the next run drops the unfinished record.
      [[maybe_unused]] const int ignored = ::ftruncate(fd_, before.st_size);
      fail(error);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AppendFile::fail(int error) const {
  throw Error(fmt::format("cannot write {}: {}", path_.string(), std::generic_category().message(error)));
}

}  // namespace attend::train
