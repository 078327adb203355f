#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/files.h"
#include "support/temporary_folder.h"

extern char** environ;

namespace attend::test {

/// How a child ended: its exit code, or 128 and the number of the signal that killed it, what it printed, and
/// the most memory that it had.
struct Ended {
  int code = -1;
  std::string out, err;
  std::int64_t peak_bytes = 0;
};

/// The least limit of files of a child that computes: Clang's OpenMP takes so much shared memory, which is a
/// file to the limit, and fails without.
inline constexpr rlim_t kLeastFileSize = 1024;

struct ChildOptions {
  /// Set for the child, over what this process has.
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::string input = {};
  /// Most bytes that the child may write to one file; a disk that is full, for who writes.
  std::optional<rlim_t> file_size = {};
};

/// The program `attend`, started with these arguments and killed at destruction if it is still there.
class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments, const ChildOptions& options = {}) {
    write_all(folder_ / "in", options.input);
    std::vector<std::string> words = {ATTEND_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    const auto redirect = [&](int descriptor, const char* name, int flags) {
      ::posix_spawn_file_actions_addopen(&actions, descriptor, (folder_ / name).c_str(), flags, 0600);
    };
    redirect(STDIN_FILENO, "in", O_RDONLY);
    redirect(STDOUT_FILENO, "out", O_WRONLY | O_CREAT);
    redirect(STDERR_FILENO, "err", O_WRONLY | O_CREAT);
    std::vector<std::string> variables = environment(options);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    // A child inherits the limit; this process writes no file meanwhile.
    const rlimit limited{options.file_size.value_or(before.rlim_cur), before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
    const int error = ::posix_spawn(&id_, ATTEND_PROGRAM, &actions, nullptr, pointers(words).data(),
                                    pointers(variables).data());
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
      throw std::runtime_error(std::string("cannot start " ATTEND_PROGRAM ": ") + std::strerror(error));
  }
  ~Child() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    reap(0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void send(int signal) {
    if (id_ > 0) ::kill(id_, signal);
  }

  /// What it has printed so far.
  std::string printed() const { return read_all(folder_ / "out"); }

  /// Waits until it has printed `text`, or has ended, or half a minute is over; whether it has printed it.
  bool prints(const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (printed().find(text) == std::string::npos) {
      if (ended() || std::chrono::steady_clock::now() > deadline)
        return printed().find(text) != std::string::npos;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  /// Waits for the end.
  Ended wait() {
    reap(0);
    return {code_, read_all(folder_ / "out"), read_all(folder_ / "err"), peak_bytes_};
  }

  /// True when it has ended.
  bool ended() {
    reap(WNOHANG);
    return id_ <= 0;
  }

 private:
  static std::vector<std::string> environment(const ChildOptions& options) {
    std::vector<std::string> result;
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const std::string text = *variable;
      bool replaced = text.starts_with("ATTEND_ISA=");
      for (const auto& [name, value] : options.environment)
        replaced = replaced || text.starts_with(name + "=");
      if (!replaced) result.push_back(text);
    }
    for (const auto& [name, value] : options.environment) result.push_back(name + "=" + value);
    return result;
  }
  static std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> result;
    for (std::string& word : words) result.push_back(word.data());
    result.push_back(nullptr);
    return result;
  }
  void reap(int flags) {
    if (id_ <= 0) return;
    int status = 0;
    pid_t got = 0;
    rusage usage{};
    while ((got = ::wait4(id_, &status, flags, &usage)) < 0 && errno == EINTR) {
    }
    if (got == 0) return;
    id_ = 0;
    peak_bytes_ = usage.ru_maxrss * std::int64_t{1024};
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  TemporaryFolder folder_;
  pid_t id_ = 0;
  int code_ = -1;
  std::int64_t peak_bytes_ = 0;
};

/// Runs `attend` to its end.
inline Ended attend(const std::vector<std::string>& arguments, const ChildOptions& options = {}) {
  return Child(arguments, options).wait();
}

}  // namespace attend::test
