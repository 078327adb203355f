// A training that was killed or interrupted goes on with the same bits, or says why it cannot.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "attend/io/file.h"
#include "attend/train/checkpoint.h"
#include "attend/train/trainer.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "support/toy_training.h"

namespace attend::train {
namespace {

/// Trains in the folder named by the environment, or one of its own: the child of the tests that kill, which
/// resumes until all is done, and dies by itself in the batch ATTEND_TEST_KILL_AT.
TEST(Trainer, ResumesUntilDone) {
  const char* given = std::getenv("ATTEND_TEST_FOLDER");
  const char* kill_at = std::getenv("ATTEND_TEST_KILL_AT");
  std::optional<test::TemporaryFolder> temporary;
  const fs::path folder = given != nullptr ? fs::path(given) : temporary.emplace() / "model";
  Toy toy;
  if (kill_at != nullptr) {
    toy.job.loss_of = [loss_of = toy.job.loss_of, last = std::atoll(kill_at)](std::int64_t batch) {
      if (batch == last) ::kill(::getpid(), SIGKILL);
      return loss_of(batch);
    };
  }
  TrainerOptions options = options_for(folder);
  options.resume = true;
  const TrainingResult result = run_training(toy.job, options);
  EXPECT_EQ(result.step, 40);
  EXPECT_EQ(result.reason, StopReason::steps);
}

pid_t start_child(const fs::path& folder, const std::string& kill_at) {
  std::string program = fs::read_symlink("/proc/self/exe").string();
  std::string filter = "--gtest_filter=Trainer.ResumesUntilDone";
  std::vector<std::string> variables = {"ATTEND_TEST_FOLDER=" + folder.string()};
  if (!kill_at.empty()) variables.push_back("ATTEND_TEST_KILL_AT=" + kill_at);
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  std::vector<char*> environment, arguments = {program.data(), filter.data(), nullptr};
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
    ::execve(program.c_str(), arguments.data(), environment.data());
    ::_exit(2);
  }
  return child;
}

/// Waits; true when the child has done all its work, false when it was killed.
bool finished(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    return false;
  }
  EXPECT_EQ(WEXITSTATUS(status), 0) << "a resume failed";
  return true;
}

TEST(Trainer, KilledInABatchAndResumedGivesTheSameBits) {
  test::TemporaryFolder folder;
  ASSERT_TRUE(finished(start_child(folder / "whole", "")));
  for (int batch : {0, 1, 6, 9, 10, 17, 25, 39})
    EXPECT_FALSE(finished(start_child(folder / "parts", fmt::format("{}", batch))));
  EXPECT_TRUE(finished(start_child(folder / "parts", "")));
  EXPECT_EQ(bits_of(folder / "parts"), bits_of(folder / "whole"));
  EXPECT_EQ(losses_of(folder / "parts"), losses_of(folder / "whole"));
}

TEST(Trainer, KilledAtAnyMomentAndResumedGivesTheSameBits) {
  test::TemporaryFolder folder;
  ASSERT_TRUE(finished(start_child(folder / "whole", "")));
  const std::uint64_t seed = 20;
  RecordProperty("seed", static_cast<int>(seed));
  Generator random(seed);
  for (int kills = 0; kills < 20; ++kills) {
    const pid_t child = start_child(folder / "parts", "");
    ::usleep(static_cast<useconds_t>(random.below(250'000)));
    ::kill(child, SIGKILL);
    if (finished(child))
      fs::remove_all(folder / "parts");  // faster than the signal: once more from the start
  }
  EXPECT_TRUE(finished(start_child(folder / "parts", "")));
  EXPECT_EQ(bits_of(folder / "parts"), bits_of(folder / "whole"));
  EXPECT_EQ(losses_of(folder / "parts"), losses_of(folder / "whole"));
}

class TrainerInterrupted : public ::testing::TestWithParam<double> {};
INSTANTIATE_TEST_SUITE_P(EmaDecay, TrainerInterrupted, ::testing::Values(0, 0.9));

TEST_P(TrainerInterrupted, AnywhereAndResumedGivesTheSameBits) {
  test::TemporaryFolder folder;
  const auto options_in = [](const fs::path& model) {
    TrainerOptions options = options_for(model, 25);
    options.ema_decay = GetParam();
    return options;
  };
  Toy whole;
  run_training(whole.job, options_in(folder / "whole"));
  for (std::int64_t at : {1, 6, 7, 20, 24}) {
    const fs::path parts = folder / fmt::format("parts{}", at);
    std::atomic<bool> stop = false;
    {
      Toy toy;
      Recorder recorder;
      recorder.also = [&](const StepReport& report) { stop = report.step == at; };
      toy.job.observer = &recorder;
      TrainerOptions options = options_in(parts);
      options.stop = &stop;
      const TrainingResult result = run_training(toy.job, options);
      EXPECT_EQ(result.reason, StopReason::interrupted);
      EXPECT_EQ(result.step, at);
      EXPECT_TRUE(fs::exists(parts / "model.safetensors"));
    }
    Toy toy;
    TrainerOptions options = options_in(parts);
    options.resume = true;
    const TrainingResult result = run_training(toy.job, options);
    EXPECT_EQ(result.reason, StopReason::steps);
    EXPECT_EQ(bits_of(parts), bits_of(folder / "whole")) << at;
    EXPECT_EQ(losses_of(parts), losses_of(folder / "whole")) << at;
    EXPECT_TRUE(test::same_bits(toy.w1, whole.w1));
    EXPECT_EQ(toy.random.position(), whole.random.position());
  }
}

TEST(Trainer, ResumeFallsBackAndSaysSo) {
  test::TemporaryFolder folder;
  Toy toy;
  Recorder recorder;
  const fs::path training = folder / "model/training";
  recorder.also = [&](const StepReport& report) {
    if (report.step == 13) fs::copy(training / "checkpoint-12", folder / "kept", fs::copy_options::recursive);
  };
  toy.job.observer = &recorder;
  run_training(toy.job, options_for(folder / "model", 14));
  const std::string whole = bits_of(folder / "model");
  io::write_file_atomically(training / "checkpoint-14/state.json", "{}");
  TrainerOptions options = options_for(folder / "model", 14);
  options.resume = true;
  Toy fresh;
  fresh.job.observer = &recorder;
  EXPECT_ERROR(run_training(fresh.job, options), "checkpoint-14/state.json");
  fs::rename(folder / "kept", training / "checkpoint-12");
  recorder.also = nullptr;
  EXPECT_EQ(run_training(fresh.job, options).step, 14);
  ASSERT_EQ(recorder.messages.size(), 1u);
  EXPECT_NE(recorder.messages[0].find("checkpoint-14/state.json"), std::string::npos);
  EXPECT_NE(recorder.messages[0].find("going on from step 12"), std::string::npos);
  EXPECT_EQ(bits_of(folder / "model"), whole);
}

TEST(Trainer, RefusesAnotherModel) {
  test::TemporaryFolder folder;
  Toy toy, other;
  run_training(toy.job, options_for(folder / "model", 5));
  other.job.parameters.pop_back();
  TrainerOptions options = options_for(folder / "model", 5);
  options.resume = true;
  EXPECT_ERROR(run_training(other.job, options), "unexpected tensor w2");
}

TEST(Trainer, RefusesDamagedState) {
  test::TemporaryFolder folder;
  Toy toy;
  run_training(toy.job, options_for(folder / "model", 5));
  const fs::path checkpoint = folder / "model/training/checkpoint-5";
  const auto good = nlohmann::json::parse(io::read_file(checkpoint / "state.json"));
  // Each with a manifest that fits: what a program with a fault, or an attacker, would write.
  const auto refused = [&](const std::string& name, const nlohmann::json& value) {
    nlohmann::json state = good;
    state[name] = value;
    std::vector<CheckpointFile> files;
    for (const char* file : {"weights.safetensors", "optimizer.safetensors"})
      files.push_back(
          {file, [content = io::read_file(CheckpointFolder(folder / "model/training").find()->folder / file)](
                     const fs::path& path) { io::write_file_atomically(path, content); }});
    files.push_back(
        {"state.json", [&](const fs::path& path) { io::write_file_atomically(path, state.dump()); }});
    CheckpointFolder(folder / "model/training").save(5, files);
    TrainerOptions options = options_for(folder / "model", 9);
    options.resume = true;
    Toy fresh;
    EXPECT_ERROR(run_training(fresh.job, options), "\"" + name + "\"");
  };
  refused("format", 2);
  refused("step", 4);
  refused("step", -1);
  refused("batch", "5");
  refused("batch", std::numeric_limits<std::int64_t>::max());
  refused("seconds", nullptr);
  refused("random_seed", -1);
  refused("best", "low");
  refused("notes", 3);
}

}  // namespace
}  // namespace attend::train
