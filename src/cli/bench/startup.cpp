#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

#include "attend/base/error.h"
#include "cli/bench/record.h"

namespace attend::cli::bench {

namespace {

// Runs `attend --version` with its output thrown away. Returns the most memory it held, in bytes.
std::int64_t run_version(const std::string& program) {
  std::string name = program, option = "--version";
  std::array<char*, 3> arguments = {name.data(), option.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed = posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  rusage use{};
  if (failed != 0 || wait4(child, &status, 0, &use) != child || !WIFEXITED(status) ||
      WEXITSTATUS(status) != 0)
    throw Error("bench startup: '" + program + " --version' could not be run");
  return use.ru_maxrss * 1024;
}

}  // namespace

void bench_startup(const Options& options, const Report& report) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  std::int64_t resident = 0;
  const Timing timing = time([&] { resident = run_version(program); }, options.seconds / 2);
  Record record;
  record.name = "startup_version";
  record.ms = timing.best * 1e3;
  record.ms_worst = timing.worst * 1e3;
  record.repeats = timing.repeats;
  record.peak_bytes = resident;
  report(record);
}

}  // namespace attend::cli::bench
