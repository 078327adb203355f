#include "attend/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "attend/base/error.h"
#include "attend/io/input_file.h"

namespace attend::io {
namespace {

[[noreturn]] void fail(std::string_view action, const std::filesystem::path& path, std::string_view reason) {
  throw Error(fmt::format("cannot {} {}: {}", action, path.string(), reason));
}

[[noreturn]] void fail(std::string_view action, const std::filesystem::path& path, int error) {
  fail(action, path, std::generic_category().message(error));
}

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

  /// Closes now; returns errno or 0. Network file systems report a failed write here.
  int close() { return ::close(std::exchange(fd_, -1)) == 0 ? 0 : errno; }

 private:
  int fd_;
};

struct stat status_of(const Descriptor& file, const std::filesystem::path& path) {
  struct stat status;
  if (::fstat(file.get(), &status) != 0) fail("read", path, errno);
  if (S_ISDIR(status.st_mode)) fail("read", path, "it is a folder, not a file");
  return status;
}

int open_for_reading(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("read", path, errno);
  return fd;
}

std::size_t read_some(int fd, std::span<char> buffer, const std::filesystem::path& path) {
  constexpr std::size_t kLargestRead = std::size_t{1} << 30;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), std::min(buffer.size(), kLargestRead));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) fail("read", path, errno);
  }
}

/// The file that a write to `path` must replace, and the permissions its successor gets.
struct Target {
  std::filesystem::path path;
  mode_t mode = 0;  // 0: what the umask gives
};

Target resolve_target(const std::filesystem::path& path) {
  if (!path.has_filename()) fail("write", path, "it is not the name of a file");
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) {
    // Any other reason shows when the temporary file is opened.
    return {path};
  }
  if (S_ISDIR(status.st_mode)) fail("write", path, "it is a folder, not a file");
  // A rename would replace a device such as /dev/null by a file.
  if (!S_ISREG(status.st_mode)) fail("write", path, "it is not a regular file");
  if (::access(path.c_str(), W_OK) != 0) fail("write", path, errno);
  std::error_code error;
  std::filesystem::path target = std::filesystem::canonical(path, error);
  if (error) fail("write", path, error.message());
  return {std::move(target), status.st_mode & 07777};
}

void write_all(int fd, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  // Linux writes at most 2 GB at once.
  constexpr std::size_t kLargestWrite = std::size_t{1} << 30;
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), std::min(bytes.size(), kLargestWrite));
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("write", path, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

/// Makes a rename in this folder survive a power failure.
void flush_folder(const std::filesystem::path& folder, const std::filesystem::path& path) {
  Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0) {
    // A folder one may write to but not list cannot be flushed; the file itself is safe on the disk.
    if (errno == EACCES) return;
    fail("write", path, errno);
  }
  // EINVAL: this file system has no flush for folders.
  if (::fsync(descriptor.get()) != 0 && errno != EINVAL) fail("write", path, errno);
}

/// The temporary file beside the target: locked while it is written, removed unless it is renamed.
class TemporaryFile {
 public:
  TemporaryFile(const Target& target, const std::filesystem::path& asked)
      : target_(target), asked_(asked), name_(target.path.string() + ".part"), file_(open()) {}

  ~TemporaryFile() {
    if (!renamed_) ::unlink(name_.c_str());
  }

  int descriptor() const { return file_.get(); }

  void rename() {
    if (target_.mode != 0 && ::fchmod(file_.get(), target_.mode) != 0) fail("write", asked_, errno);
    if (::fsync(file_.get()) != 0) fail("write", asked_, errno);
    // Some network file systems report a failed write at close only; the original stays open for its lock.
    Descriptor copy(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
    if (copy.get() < 0) fail("write", asked_, errno);
    if (const int error = copy.close()) fail("write", asked_, error);
    if (::rename(name_.c_str(), target_.path.c_str()) != 0) fail("write", asked_, errno);
    renamed_ = true;
  }

 private:
  int open() const {
    for (;;) {
      const int fd = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
      if (fd < 0) fail("write", asked_, errno);
      Descriptor guard(fd);
      if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) fail("write", asked_, "another process is writing it");
        fail("write", asked_, errno);
      }
      // Between open and flock the file may have been renamed by its previous writer; then the lock is on the
      // finished file, which must not be touched.
      struct stat opened, named;
      if (::fstat(fd, &opened) != 0) fail("write", asked_, errno);
      if (::lstat(name_.c_str(), &named) != 0 || named.st_ino != opened.st_ino ||
          named.st_dev != opened.st_dev) {
        continue;
      }
      if (!S_ISREG(opened.st_mode)) fail("write", asked_, name_ + " is in the way");
      if (::ftruncate(fd, 0) != 0) fail("write", asked_, errno);
      return ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    }
  }

  const Target& target_;
  const std::filesystem::path& asked_;
  std::string name_;
  Descriptor file_;
  bool renamed_ = false;
};

}  // namespace

std::string read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  Descriptor file(open_for_reading(path));
  const struct stat status = status_of(file, path);
  const auto too_long = [&] { fail("read", path, fmt::format("it is longer than {} bytes", max_bytes)); };
  std::string content;
  if (S_ISREG(status.st_mode)) {
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size > max_bytes) too_long();
    content.reserve(size + 1);
  }
  // The size is only a hint: a pipe has none and /proc files say 0.
  for (;;) {
    const std::size_t old_size = content.size();
    const std::size_t room = content.capacity() > old_size ? content.capacity() - old_size : 65536;
    content.resize(old_size + std::min<std::size_t>(room, std::size_t{1} << 30));
    const std::size_t got = read_some(file.get(), std::span(content).subspan(old_size), path);
    content.resize(old_size + got);
    if (content.size() > max_bytes) too_long();
    if (got == 0) return content;
  }
}

InputFile::InputFile(const std::filesystem::path& path) : path_(path) {
  Descriptor file(open_for_reading(path));
  status_of(file, path);
  fd_ = file.release();
}

InputFile::~InputFile() {
  if (fd_ >= 0) ::close(fd_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

std::size_t InputFile::read(std::span<char> buffer) {
  return read_some(fd_, buffer, path_);
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  // Opening a pipe to see that it is one would wait for its writer.
  struct stat named;
  if (::stat(path.c_str(), &named) == 0 && !S_ISREG(named.st_mode) && !S_ISDIR(named.st_mode)) {
    fail("read", path, "it is not a regular file");
  }
  Descriptor file(open_for_reading(path));
  const struct stat status = status_of(file, path);
  if (!S_ISREG(status.st_mode)) fail("read", path, "it is not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;  // mmap refuses an empty range
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) fail("read", path, errno);
  data_ = static_cast<const std::byte*>(address);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(const ByteSink&)>& fill) {
  const Target target = resolve_target(path);
  TemporaryFile temporary(target, path);
  fill([&](std::span<const std::byte> bytes) { write_all(temporary.descriptor(), bytes, path); });
  temporary.rename();
  const std::filesystem::path folder = target.path.parent_path();
  flush_folder(folder.empty() ? "." : folder, path);
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  write_file_atomically(path, [&](const ByteSink& write) { write(std::as_bytes(std::span(content))); });
}

void write_new_file(const std::filesystem::path& path, std::string_view content) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.get() < 0) fail("write", path, errno);
  write_all(file.get(), std::as_bytes(std::span(content)), path);
  if (const int error = file.close()) fail("write", path, error);
}

}  // namespace attend::io
