#include "attend/io/folder_watch.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

#include "attend/base/error.h"

namespace attend::io {

namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kArrived = IN_CLOSE_WRITE | IN_MOVED_TO, kGone = IN_DELETE_SELF | IN_MOVE_SELF;

[[noreturn]] void fail(const fs::path& folder, const std::string& why) {
  throw Error(fmt::format("{}: {}", folder.string(), why));
}

}  // namespace

FolderWatch::FolderWatch(const fs::path& folder) : folder_(folder) {
  descriptor_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor_ < 0) fail(folder, fmt::format("cannot be watched: {}", std::strerror(errno)));
  if (::inotify_add_watch(descriptor_, folder.c_str(), kArrived | kGone | IN_ONLYDIR) < 0) {
    const int error = errno;
    ::close(descriptor_);
    fail(folder, error == ENOSPC ? "cannot be watched: the system watches too many folders already"
                                 : std::strerror(error));
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const fs::path& file = entry.path();
    const auto stamp = stamp_of(file);
    if (!stamp || file.filename().string().starts_with('.')) continue;
    first_.emplace(file, *stamp);
    waiting_.push_back(file);
  }
  std::ranges::sort(waiting_);
}

FolderWatch::~FolderWatch() {
  ::close(descriptor_);
}

std::optional<fs::path> FolderWatch::next(std::chrono::milliseconds wait) {
  if (auto file = take()) return file;
  if (!has_events(wait)) return {};
  read_events();
  return take();
}

std::optional<fs::path> FolderWatch::take() {
  if (next_ == waiting_.size()) {
    waiting_.clear();
    next_ = 0;
    return {};
  }
  return std::move(waiting_[next_++]);
}

bool FolderWatch::has_events(std::chrono::milliseconds wait) {
  pollfd watched{.fd = descriptor_, .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, static_cast<int>(wait.count())) > 0;
}

void FolderWatch::read_events() {
  alignas(inotify_event) std::array<char, 16384> bytes{};
  ssize_t length = 0;
  while ((length = ::read(descriptor_, bytes.data(), bytes.size())) > 0) {
    for (ssize_t place = 0; place < length;) {
      inotify_event event{};
      std::memcpy(&event, bytes.data() + place, sizeof event);
      const char* name = bytes.data() + place + sizeof event;
      place += static_cast<ssize_t>(sizeof event + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0)
        fail(folder_, "files arrive faster than they are read, and some were missed; start again");
      if ((event.mask & (kGone | IN_IGNORED)) != 0) fail(folder_, "the folder was moved or removed");
      if (event.len == 0 || name[0] == '.') continue;
      const fs::path file = folder_ / name;
      const auto stamp = stamp_of(file);
      if (!stamp) continue;
      if (const auto known = first_.find(file); known != first_.end()) {
        const bool is_same = known->second == *stamp;
        first_.erase(known);
        if (is_same) continue;
      }
      waiting_.push_back(file);
    }
  }
}

std::optional<FolderWatch::Stamp> FolderWatch::stamp_of(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return {};
  const Stamp stamp{.written = fs::last_write_time(file, error), .size = fs::file_size(file, error)};
  if (error) return {};
  return stamp;
}

}  // namespace attend::io
