#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <tuple>

#include "cli/tiny_model.h"
#include "support/sanitized.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

const Words kOften = {"--save-every", "5"};

/// A text, and the training of a model that nothing disturbs.
class Resume : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    write_all(text(), tiny_text());
    const Clock::time_point start = Clock::now();
    const Ended ended = attend(train_tiny(text(), *shared / "undisturbed", kOften));
    ASSERT_EQ(ended.code, 0) << ended.err;
    undisturbed_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static fs::path text() { return *shared / "text.txt"; }
  static fs::path undisturbed() { return *shared / "undisturbed"; }

  /// What must not depend on how often a training was ended.
  static void expect_same(const fs::path& out) {
    EXPECT_TRUE(read_all(out / "model.safetensors") == read_all(undisturbed() / "model.safetensors"));
    auto own = nlohmann::json::parse(read_all(out / "config.json"));
    auto other = nlohmann::json::parse(read_all(undisturbed() / "config.json"));
    own["results"].erase("seconds");
    other["results"].erase("seconds");
    EXPECT_EQ(own, other);
    EXPECT_EQ(steps_logged(out), steps_logged(undisturbed()));
    for (const auto& [name, content] : contents(out)) EXPECT_FALSE(name.ends_with(".part")) << name;
  }

  /// Step and validation loss of every evaluation in the log.
  static std::vector<std::pair<std::int64_t, double>> steps_logged(const fs::path& out) {
    std::vector<std::pair<std::int64_t, double>> result;
    std::istringstream lines(read_all(out / "metrics.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const auto parsed = nlohmann::json::parse(line);
      if (parsed.contains("validation_loss")) result.emplace_back(parsed["step"], parsed["validation_loss"]);
    }
    return result;
  }

  static std::int64_t checkpoint_of(const fs::path& out) {
    std::int64_t step = -1;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(out / "training", ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("checkpoint-") && fs::exists(entry.path() / "manifest.json", ignored))
        step = std::max<std::int64_t>(step, std::stoll(name.substr(11)));
    }
    return step;
  }

  static inline TemporaryFolder* shared = nullptr;
  static inline double undisturbed_seconds = 0;
};

TEST_F(Resume, KilledAtRandomMoments) {
  constexpr unsigned kSeed = 41;
  std::mt19937 random(kSeed);
  std::cout << "seed of the moments: " << kSeed << "\n";
  TemporaryFolder folder;
  // A program that is killed tells sanitizers nothing; its resumes do.
  constexpr int kKills = kSanitized ? 5 : 20;
  int killed = 0, finished = 0, advanced = 0;
  for (int i = 0; killed < kKills && i < 10 * kKills; ++i) {
    const fs::path out = folder / ("model" + std::to_string(finished));
    const std::int64_t before = checkpoint_of(out);
    const double wait =
        undisturbed_seconds * static_cast<double>(random()) / static_cast<double>(std::mt19937::max());
    Child child(train_tiny(text(), out, kOften + Words{"--resume"}));
    std::this_thread::sleep_for(std::chrono::duration<double>(wait));
    child.send(SIGKILL);
    const Ended ended = child.wait();
    SCOPED_TRACE("killed after " + std::to_string(wait) + " s\n" + ended.err);
    ASSERT_TRUE(ended.code == 0 || ended.code == 128 + SIGKILL) << ended.code;
    if (ended.code == 0) {
      expect_same(out);
      ++finished;
      continue;
    }
    ++killed;
    EXPECT_GE(checkpoint_of(out), before);
    if (checkpoint_of(out) > 0) ++advanced;
  }
  const fs::path out = folder / ("model" + std::to_string(finished));
  const Ended ended = attend(train_tiny(text(), out, kOften + Words{"--resume"}));
  ASSERT_EQ(ended.code, 0) << ended.err;
  expect_same(out);
  EXPECT_EQ(killed, kKills);
  EXPECT_GT(advanced, 0) << "no kill met a training that had begun";
  std::cout << killed << " kills, " << advanced << " of them past the first update\n";
}

TEST_F(Resume, Interrupted) {
  for (const int signal : {SIGINT, SIGTERM}) {
    SCOPED_TRACE(signal);
    TemporaryFolder folder;
    const fs::path out = folder / "model";
    // Far more updates than fit into the time that the test waits; a constant schedule does not know how
    // many.
    Child child(train_tiny(text(), out, kOften + Words{"--steps", "1000000", "--schedule", "constant"}));
    while (!child.ended() && checkpoint_of(out) < 5)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    child.send(signal);
    const Ended ended = child.wait();
    ASSERT_EQ(ended.code, 130) << ended.err;
    EXPECT_NE(ended.err.find("attend: interrupted"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find("--resume"), std::string::npos) << ended.err;
    const std::int64_t reached = checkpoint_of(out);
    EXPECT_GE(reached, 5);
    // Ends at the first multiple of ten after the interruption, and so does one without any.
    const std::string steps = std::to_string((reached / 10 + 1) * 10);
    const Words more = kOften + Words{"--steps", steps, "--schedule", "constant"};
    const Ended resumed = attend(train_tiny(text(), out, more + Words{"--resume"}));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    const Ended straight = attend(train_tiny(text(), folder / "straight", more));
    ASSERT_EQ(straight.code, 0) << straight.err;
    EXPECT_TRUE(read_all(out / "model.safetensors") == read_all(folder / "straight" / "model.safetensors"));
    EXPECT_EQ(steps_logged(out), steps_logged(folder / "straight"));
  }
}

TEST_F(Resume, ALimitTakesThePlaceOfTheOldOnes) {
  TemporaryFolder folder;
  const fs::path out = folder / "model";
  const auto resumed = [&](const Words& more) {
    const Ended ended = attend(Words{"train", "generate", "--out", out.string(), "--resume"} + more);
    EXPECT_EQ(ended.code, 0) << ended.err;
    const auto config = nlohmann::json::parse(read_all(out / "config.json"));
    return std::tuple(config["results"]["step"].get<std::int64_t>(),
                      config["results"]["ended"].get<std::string>(),
                      ended.err.find("nothing left to do") != std::string::npos);
  };
  ASSERT_EQ(attend(train_tiny(text(), out)).code, 0);
  EXPECT_EQ(resumed({}), std::tuple(40, "steps", true));
  EXPECT_EQ(resumed({"--steps", "40"}), std::tuple(40, "steps", true));
  EXPECT_EQ(resumed({"--steps", "45"}), std::tuple(45, "steps", false));
  const auto config = nlohmann::json::parse(read_all(out / "config.json"));
  const std::string minutes = std::to_string((config["results"]["seconds"].get<double>() + 1) / 60);
  const auto [step, ended, nothing] = resumed({"--minutes", minutes});
  EXPECT_GT(step, 45);
  EXPECT_EQ(ended, "minutes");
  EXPECT_FALSE(nothing);
  // No time is left, but this is no limit any more.
  EXPECT_EQ(resumed({"--steps", std::to_string(step + 3)}), std::tuple(step + 3, "steps", false));
}

TEST_F(Resume, FullDisk) {
  TemporaryFolder folder;
  const fs::path out = folder / "model";
  const Words constant = kOften + Words{"--schedule", "constant"};
  const Ended begun = attend(train_tiny(text(), out, constant + Words{"--steps", "20"}));
  ASSERT_EQ(begun.code, 0) << begun.err;
  const auto size = fs::file_size(out / "model.safetensors");
  const auto before = contents(out);
  const Words on = train_tiny(text(), out, constant + Words{"--resume"});
  // Enough for the log, too little for the weights; then enough for these, too little for the optimizer's.
  for (const std::uintmax_t limit : {size - 1, size + size / 2}) {
    SCOPED_TRACE(limit);
    const Ended failed = attend(on, {.file_size = limit});
    EXPECT_EQ(failed.code, 2) << failed.err;
    const std::size_t at = failed.err.rfind("attend: ");
    ASSERT_NE(at, std::string::npos) << failed.err;
    EXPECT_TRUE(at == 0 || failed.err[at - 1] == '\n' || failed.err[at - 1] == '\r') << failed.err;
    EXPECT_EQ(std::count(failed.err.begin() + static_cast<std::ptrdiff_t>(at), failed.err.end(), '\n'), 1)
        << failed.err;
    EXPECT_NE(failed.err.find(".safetensors", at), std::string::npos) << failed.err;
    EXPECT_EQ(failed.err.find("attend: "), at) << "more than one line: " << failed.err;
    for (const auto& [name, content] : contents(out)) EXPECT_FALSE(name.ends_with(".part")) << name;
    if (limit < size) {
      EXPECT_TRUE(read_all(out / "model.safetensors") == before.at("model.safetensors"));
    }
    EXPECT_EQ(checkpoint_of(out), 20);
    EXPECT_EQ(attend({"run", out.string(), "--prompt", "the", "--tokens", "3"}).code, 0);
  }
  const Ended resumed = attend(on);
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  const Ended straight = attend(train_tiny(text(), folder / "straight", constant));
  ASSERT_EQ(straight.code, 0) << straight.err;
  EXPECT_TRUE(read_all(out / "model.safetensors") == read_all(folder / "straight" / "model.safetensors"));
}

TEST_F(Resume, DiskIsFullFromTheStart) {
  TemporaryFolder folder;
  const Ended ended = attend(train_tiny(text(), folder / "model"), {.file_size = kLeastFileSize});
  EXPECT_EQ(ended.code, 2) << ended.err;
  EXPECT_NE(ended.err.find("attend: "), std::string::npos) << ended.err;
  const Ended resumed = attend(train_tiny(text(), folder / "model", kOften + Words{"--resume"}));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
}

TEST_F(Resume, OneTrainingInAFolderAtATime) {
  TemporaryFolder folder;
  const fs::path out = folder / "model";
  Child first(train_tiny(text(), out, kOften + Words{"--steps", "1000000"}));
  while (!first.ended() && checkpoint_of(out) < 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const Ended second = attend(train_tiny(text(), out, kOften + Words{"--steps", "1000000", "--resume"}));
  EXPECT_EQ(second.code, 2) << second.err;
  EXPECT_FALSE(first.ended());
  first.send(SIGINT);
  EXPECT_EQ(first.wait().code, 130);
}

}  // namespace
}  // namespace attend::test
