#include "io/process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "attend/io/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace attend::io {
namespace {

using std::chrono::milliseconds;

class Process : public ::testing::Test {
 protected:
  ProcessResult run(const std::vector<std::string>& words, ProcessOptions options = {}) {
    options.output = folder_ / "out";
    options.errors = folder_ / "err";
    return run_process(words, options);
  }
  std::string out() const { return read_file(folder_ / "out"); }

  test::TemporaryFolder folder_;
};

TEST_F(Process, GetsItsArgumentsAsTheyAre) {
  const ProcessResult result = run({"printf", "%s|", "a b", "$HOME; exit 3", "", "'\"", "*"});
  EXPECT_EQ(result.end, ProcessEnd::exited);
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(out(), "a b|$HOME; exit 3||'\"|*|");
}

TEST_F(Process, RunsInAFolderWithNothingToReadAndInEnglish) {
  run({"pwd"}, {.folder = folder_.path()});
  EXPECT_EQ(out(), std::filesystem::canonical(folder_.path()).string() + "\n");
  run({"cat"});
  EXPECT_EQ(out(), "");
  run({"printenv", "LC_ALL", "PATH"});
  EXPECT_EQ(out(), std::string("C.UTF-8\n") + std::getenv("PATH") + "\n");
}

TEST_F(Process, ReportsHowItEnded) {
  EXPECT_EQ(run({"false"}).code, 1);
  const ProcessResult exited = run({"sh", "-c", "echo one; echo two >&2; exit 7"});
  EXPECT_EQ(exited.end, ProcessEnd::exited);
  EXPECT_EQ(exited.code, 7);
  EXPECT_EQ(out(), "one\n");
  EXPECT_EQ(read_file(folder_ / "err"), "two\n");
  const ProcessResult killed = run({"sh", "-c", "kill -KILL $$"});
  EXPECT_EQ(killed.end, ProcessEnd::killed);
  EXPECT_EQ(killed.code, SIGKILL);
}

TEST_F(Process, DoesNotInheritIgnoredSignals) {
  const auto before = std::signal(SIGTERM, SIG_IGN);
  const ProcessResult killed = run({"sh", "-c", "kill -TERM $$"});
  std::signal(SIGTERM, before);
  EXPECT_EQ(killed.end, ProcessEnd::killed);
}

TEST_F(Process, MustExist) {
  EXPECT_ERROR(run({"attend-no-such-program"}), "cannot start attend-no-such-program: No such file");
}

TEST_F(Process, EndsPastItsTimeWithAllThatItStarted) {
  const ProcessResult result =
      run({"sh", "-c", "sleep 1000 & echo $!; wait"}, {.time_limit = milliseconds(300)});
  EXPECT_EQ(result.end, ProcessEnd::timed_out);
  const pid_t child = std::stoi(out());
  // It is gone, or waits for the system to bury it.
  for (int i = 0; i < 1000 && ::kill(child, 0) == 0; ++i) {
    const std::string status = read_file("/proc/" + std::to_string(child) + "/stat");
    if (status.find(") Z ") != std::string::npos) return;
    ::usleep(10'000);
  }
  EXPECT_NE(::kill(child, 0), 0);
}

TEST_F(Process, EndsWhenAskedTo) {
  const std::atomic<bool> stop = true;
  EXPECT_EQ(run({"sleep", "1000"}, {.stop = &stop}).end, ProcessEnd::stopped);
}

}  // namespace
}  // namespace attend::io
