#include "io/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <thread>

#include "attend/base/error.h"

namespace attend::io {
namespace {

using Clock = std::chrono::steady_clock;

/// What posix_spawn needs, released at the end.
class SpawnSettings {
 public:
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> english_environment() {
  std::vector<std::string> variables = {"LC_ALL=C.UTF-8", "LANGUAGE=C"};
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (!text.starts_with("LC_ALL=") && !text.starts_with("LANGUAGE=")) variables.emplace_back(text);
  }
  return variables;
}

pid_t start(std::vector<std::string> words, const ProcessOptions& options) {
  SpawnSettings settings;
  const auto open = [&](int descriptor, const char* path, int flags) {
    ::posix_spawn_file_actions_addopen(&settings.actions, descriptor, path, flags, 0600);
  };
  constexpr int kReplace = O_WRONLY | O_CREAT | O_TRUNC;
  open(STDIN_FILENO, "/dev/null", O_RDONLY);
  open(STDOUT_FILENO, options.output.empty() ? "/dev/null" : options.output.c_str(), kReplace);
  open(STDERR_FILENO, options.errors.empty() ? "/dev/null" : options.errors.c_str(), kReplace);
  if (!options.folder.empty())
    ::posix_spawn_file_actions_addchdir_np(&settings.actions, options.folder.c_str());
  // A signal that this program ignores would stay ignored in the other one.
  sigset_t all, none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&settings.attributes, &all);
  ::posix_spawnattr_setsigmask(&settings.attributes, &none);
  ::posix_spawnattr_setpgroup(&settings.attributes, 0);
  ::posix_spawnattr_setflags(&settings.attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> variables = english_environment();
  pid_t id = 0;
  const int error = ::posix_spawnp(&id, words.front().c_str(), &settings.actions, &settings.attributes,
                                   pointers(words).data(), pointers(variables).data());
  if (error != 0)
    throw Error(fmt::format("cannot start {}: {}", words.front(), std::generic_category().message(error)));
  return id;
}

/// Whether the process has ended; if so, `status` says how.
bool has_ended(pid_t id, int& status) {
  pid_t got = 0;
  while ((got = ::waitpid(id, &status, WNOHANG)) < 0 && errno == EINTR) {
  }
  return got != 0;
}

bool ends_before(pid_t id, Clock::time_point limit, const std::atomic<bool>* stop, int& status) {
  auto pause = std::chrono::milliseconds(1);
  constexpr auto kLongestPause = std::chrono::milliseconds(20);
  while (!has_ended(id, status)) {
    if (Clock::now() >= limit || (stop != nullptr && *stop)) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
  return true;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& words, const ProcessOptions& options) {
  const pid_t id = start(words, options);
  int status = 0;
  if (ends_before(id, Clock::now() + options.time_limit, options.stop, status)) {
    if (WIFEXITED(status)) return {ProcessEnd::exited, WEXITSTATUS(status)};
    return {ProcessEnd::killed, WTERMSIG(status)};
  }
  const ProcessEnd end =
      options.stop != nullptr && *options.stop ? ProcessEnd::stopped : ProcessEnd::timed_out;
  ::kill(-id, SIGTERM);
  const bool ended = ends_before(id, Clock::now() + std::chrono::seconds(5), nullptr, status);
  // What it started may be there still.
  ::kill(-id, SIGKILL);
  while (!ended && ::waitpid(id, &status, 0) < 0 && errno == EINTR) {
  }
  return {end, 0};
}

}  // namespace attend::io
