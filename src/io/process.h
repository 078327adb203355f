#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace attend::io {

struct ProcessOptions {
  /// Where it runs; empty: where this process does.
  std::filesystem::path folder = {};
  /// Files for what it writes to standard output and standard error; they are replaced.
  std::filesystem::path output = {}, errors = {};
  std::chrono::milliseconds time_limit = std::chrono::minutes(10);
  /// Becomes true: end the process and what it started.
  const std::atomic<bool>* stop = nullptr;
};

enum class ProcessEnd { exited, killed, timed_out, stopped };

struct ProcessResult {
  ProcessEnd end = ProcessEnd::exited;
  int code = 0;  ///< its exit code; when it was killed, the number of the signal
};

/// Runs another program to its end: words[0] as found in PATH, with these arguments as they are (no shell),
/// nothing to read, and messages in English. It and what it starts are a process group of their own; past the
/// time limit or at `stop`, the group gets SIGTERM and five seconds later SIGKILL.
///
/// Throws Error naming the program when it cannot be started.
ProcessResult run_process(const std::vector<std::string>& words, const ProcessOptions& options);

}  // namespace attend::io
