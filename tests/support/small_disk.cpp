#include "support/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace attend::test {

namespace {

constexpr const char* kBallast = "ballast";

bool write_text(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  return static_cast<bool>(file);
}

/// A view of the mounted file systems that this process may change: its own as root, else one with a user
/// namespace. Returns why not, or nothing.
std::string own_mounts() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWNS) != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return std::string("unshare: ") + std::strerror(errno);
    // To itself, so that files keep their owner.
    if (!write_text("/proc/self/setgroups", "deny") ||
        !write_text("/proc/self/uid_map", std::to_string(user) + " " + std::to_string(user) + " 1") ||
        !write_text("/proc/self/gid_map", std::to_string(group) + " " + std::to_string(group) + " 1"))
      return "user namespace: no map of users";
  }
  // What is mounted here must not appear anywhere else.
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return std::string("mount: ") + std::strerror(errno);
  return {};
}

}  // namespace

SmallDisk::SmallDisk(std::uintmax_t bytes) : path_(folder_ / "disk"), refused_(own_mounts()) {
  if (!refused_.empty()) return;
  std::filesystem::create_directory(path_);
  if (::mount("attend_test", path_.c_str(), "tmpfs", 0, ("size=" + std::to_string(bytes)).c_str()) != 0)
    refused_ = std::string("mount tmpfs: ") + std::strerror(errno);
}

SmallDisk::~SmallDisk() {
  if (refused_.empty()) ::umount2(path_.c_str(), MNT_DETACH);
}

void SmallDisk::leave(std::uintmax_t bytes) {
  clear();
  const auto page = static_cast<std::uintmax_t>(::sysconf(_SC_PAGESIZE));
  const std::uintmax_t free = std::filesystem::space(path_).available,
                       left = (bytes + page - 1) / page * page;
  if (left > free) throw std::runtime_error("the small disk has no " + std::to_string(bytes) + " bytes left");
  const int fd = ::open((path_ / kBallast).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const int error = fd < 0 ? errno : ::posix_fallocate(fd, 0, static_cast<off_t>(free - left));
  if (fd >= 0) ::close(fd);
  if (error != 0 || std::filesystem::space(path_).available != left)
    throw std::runtime_error(std::string("cannot fill the small disk: ") + std::strerror(error));
}

void SmallDisk::clear() {
  std::filesystem::remove(path_ / kBallast);
}

}  // namespace attend::test
