#include "attend/train/checkpoint.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "attend/io/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace attend::train {
namespace {

namespace fs = std::filesystem;

std::vector<CheckpointFile> files_of(std::int64_t step) {
  const auto content = [step](char letter) {
    return [step, letter](const fs::path& path) {
      io::write_file_atomically(path, fmt::format("{} of step {}", letter, step));
    };
  };
  return {{"a.bin", content('a')}, {"b.bin", content('b')}};
}

void save(const fs::path& folder, std::int64_t step) {
  CheckpointFolder(folder).save(step, files_of(step));
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

/// The step that a resume would start from; -1 for none. The files must be those of that step.
std::int64_t found_step(const fs::path& folder) {
  const auto found = CheckpointFolder(folder).find();
  if (!found) return -1;
  EXPECT_EQ(io::read_file(found->folder / "a.bin"), fmt::format("a of step {}", found->step));
  EXPECT_EQ(io::read_file(found->folder / "b.bin"), fmt::format("b of step {}", found->step));
  return found->step;
}

/// Two whole checkpoints, as there are for a moment after the second is saved.
void make_two(const fs::path& folder) {
  save(folder / "other", 100);
  save(folder, 200);
  fs::rename(folder / "other/checkpoint-100", folder / "checkpoint-100");
  fs::remove_all(folder / "other");
}

TEST(Checkpoint, KeepsTheLast) {
  test::TemporaryFolder folder;
  EXPECT_FALSE(CheckpointFolder(folder / "training").find());
  EXPECT_FALSE(CheckpointFolder(folder / "training").has_any());
  for (std::int64_t step : {0, 5, 10}) {
    save(folder / "training", step);
    EXPECT_EQ(found_step(folder / "training"), step);
    EXPECT_EQ(names_in(folder / "training"), std::set<std::string>{fmt::format("checkpoint-{}", step)});
  }
  EXPECT_TRUE(CheckpointFolder(folder / "training").has_any());
}

TEST(Checkpoint, SavesTheSameStepAgain) {
  test::TemporaryFolder folder;
  for (int i = 1; i <= 3; ++i) {
    CheckpointFolder(folder.path()).save(7, {{"x", [&](const fs::path& path) {
                                                io::write_file_atomically(path, fmt::format("{}", i));
                                              }}});
    const auto found = CheckpointFolder(folder.path()).find();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->step, 7);
    EXPECT_EQ(io::read_file(found->folder / "x"), fmt::format("{}", i));
    EXPECT_EQ(names_in(folder.path()).size(), 1u);
  }
}

TEST(Checkpoint, LeavesOtherFilesAlone) {
  test::TemporaryFolder folder;
  for (const char* name : {"checkpoint-", "checkpoint-x", "checkpoint-5-1", "checkpoint-5x", "notes"}) {
    fs::create_directory(folder / name);
    io::write_file_atomically(folder / name / "mine", "kept");
  }
  io::write_file_atomically(folder / "checkpoint-3", "a file");
  fs::create_directory_symlink(folder / "notes", folder / "checkpoint-4");
  save(folder.path(), 10);
  save(folder.path(), 20);
  EXPECT_EQ(found_step(folder.path()), 20);
  EXPECT_EQ(names_in(folder.path()).size(), 8u);
  EXPECT_EQ(io::read_file(folder / "notes/mine"), "kept");
}

struct Damage {
  const char* name;
  std::function<void(const fs::path& checkpoint)> apply;
};

std::vector<Damage> damages() {
  const auto edit = [](const char* file, const std::function<void(std::string&)>& change) {
    return [=](const fs::path& checkpoint) {
      std::string content = io::read_file(checkpoint / file);
      change(content);
      io::write_file_atomically(checkpoint / file, content);
    };
  };
  const auto replace = [&](const std::string& from, const std::string& to) {
    return edit("manifest.json", [=](std::string& text) {
      ASSERT_NE(text.find(from), text.npos);
      text.replace(text.find(from), from.size(), to);
    });
  };
  return {
      {"missing file", [](const fs::path& c) { fs::remove(c / "a.bin"); }},
      {"folder for file",
       [](const fs::path& c) {
         fs::remove(c / "a.bin");
         fs::create_directory(c / "a.bin");
       }},
      {"truncated", edit("b.bin", [](std::string& text) { text.pop_back(); })},
      {"longer", edit("b.bin", [](std::string& text) { text += "x"; })},
      {"empty", edit("b.bin", [](std::string& text) { text.clear(); })},
      {"flipped bit", edit("a.bin", [](std::string& text) { text[3] ^= 1; })},
      {"empty manifest", edit("manifest.json", [](std::string& text) { text.clear(); })},
      {"truncated manifest", edit("manifest.json", [](std::string& text) { text.resize(text.size() / 2); })},
      {"not JSON", edit("manifest.json", [](std::string& text) { text = "hello"; })},
      {"no object", edit("manifest.json", [](std::string& text) { text = "[1]"; })},
      {"no format", replace("\"format\"", "\"fermat\"")},
      {"format 0", replace("\"format\": 1", "\"format\": 0")},
      {"another step", replace("\"step\": 200", "\"step\": 201")},
      {"step of wrong type", replace("\"step\": 200", "\"step\": \"200\"")},
      {"path outside", replace("\"a.bin\"", "\"../../a.bin\"")},
      {"absolute path", replace("\"a.bin\"", "\"/etc/passwd\"")},
      {"line end in a name", replace("\"a.bin\"", "\"a\\nb\"")},
      {"wrong size", replace("\"size\": 13", "\"size\": 14")},
      {"negative size", replace("\"size\": 13", "\"size\": -13")},
      {"no checksum", replace("\"crc32c\"", "\"crc32d\"")},
      {"entry of wrong type", replace("\"files\": {", "\"files\": {\"c.bin\": 3, ")},
      {"huge manifest", edit("manifest.json", [](std::string& text) { text += std::string(2 << 20, ' '); })},
  };
}

TEST(Checkpoint, DamageFallsBackToThePrevious) {
  for (const Damage& damage : damages()) {
    SCOPED_TRACE(damage.name);
    test::TemporaryFolder folder;
    make_two(folder.path());
    ASSERT_EQ(found_step(folder.path()), 200);
    damage.apply(folder / "checkpoint-200");
    EXPECT_EQ(found_step(folder.path()), 100);
    const auto found = CheckpointFolder(folder.path()).find();
    ASSERT_EQ(found->damaged.size(), 1u);
    EXPECT_NE(found->damaged[0].find("checkpoint-200"), std::string::npos) << found->damaged[0];
    // The damaged one goes when a later one is whole.
    save(folder.path(), 150);
    EXPECT_EQ(found_step(folder.path()), 150);
    EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"checkpoint-150"});
  }
}

TEST(Checkpoint, DamageWithoutPreviousIsOneClearLine) {
  for (const Damage& damage : damages()) {
    SCOPED_TRACE(damage.name);
    test::TemporaryFolder folder;
    save(folder.path(), 200);
    damage.apply(folder / "checkpoint-200");
    EXPECT_ERROR(CheckpointFolder(folder.path()).find(), "holds no whole checkpoint");
    EXPECT_ERROR(CheckpointFolder(folder.path()).find(), "checkpoint-200");
  }
}

TEST(Checkpoint, WithoutManifestItCountsForNothing) {
  test::TemporaryFolder folder;
  make_two(folder.path());
  fs::remove(folder / "checkpoint-200/manifest.json");
  EXPECT_EQ(found_step(folder.path()), 100);
  EXPECT_TRUE(CheckpointFolder(folder.path()).find()->damaged.empty());
  fs::remove(folder / "checkpoint-100/manifest.json");
  EXPECT_ERROR(CheckpointFolder(folder.path()).find(), "manifest.json is missing");
  // The first checkpoint of a run, unfinished: nothing is lost by starting again.
  fs::remove_all(folder / "checkpoint-200");
  fs::rename(folder / "checkpoint-100", folder / "checkpoint-0");
  EXPECT_EQ(found_step(folder.path()), -1);
  EXPECT_TRUE(CheckpointFolder(folder.path()).has_any());
}

TEST(Checkpoint, NewerFormatIsNotPassedOver) {
  test::TemporaryFolder folder;
  make_two(folder.path());
  io::write_file_atomically(folder / "checkpoint-200/manifest.json", "{\"format\": 2}");
  EXPECT_ERROR(CheckpointFolder(folder.path()).find(), "newer format");
}

TEST(Checkpoint, FailedWriteLeavesThePrevious) {
  test::TemporaryFolder folder;
  save(folder.path(), 100);
  std::vector<CheckpointFile> files = files_of(200);
  files[1].write = [](const fs::path&) { throw Error("no space left"); };
  EXPECT_ERROR(CheckpointFolder(folder.path()).save(200, files), "no space left");
  EXPECT_EQ(found_step(folder.path()), 100);
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"checkpoint-100"});
}

TEST(Checkpoint, OneProcessTrains) {
  test::TemporaryFolder folder;
  CheckpointFolder first(folder / "training");
  first.lock();
  first.lock();
  EXPECT_ERROR(CheckpointFolder(folder / "training").lock(), "another process is training");
  io::write_file_atomically(folder / "file", "");
  EXPECT_ERROR(CheckpointFolder(folder / "file").lock(), "cannot make");
}

/// Runs `action` in a process of its own, which must not be one of several threads' loops; returns its signal
/// or 0.
int signal_of_child(const std::function<void()>& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      action();
    } catch (...) {
      ::_exit(3);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "the child failed";
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(Checkpoint, KilledWhileSavingLeavesAWholeOne) {
  for (bool same_step : {false, true}) {
    for (int moment = 0; moment <= 3; ++moment) {
      SCOPED_TRACE(fmt::format("same step {}, moment {}", same_step, moment));
      test::TemporaryFolder folder;
      save(folder.path(), 100);
      const std::int64_t step = same_step ? 100 : 200;
      const auto killed = [&] {
        std::vector<CheckpointFile> files = files_of(step);
        const auto write = files[static_cast<std::size_t>(moment / 2)].write;
        files[static_cast<std::size_t>(moment / 2)].write = [=](const fs::path& path) {
          if (moment % 2 == 1) write(path);
          ::kill(::getpid(), SIGKILL);
        };
        CheckpointFolder(folder.path()).save(step, files);
      };
      EXPECT_EQ(signal_of_child(killed), SIGKILL);
      EXPECT_EQ(found_step(folder.path()), 100);
      EXPECT_EQ(names_in(folder.path()).size(), 2u);
      save(folder.path(), step);
      EXPECT_EQ(found_step(folder.path()), step);
      EXPECT_EQ(names_in(folder.path()).size(), 1u);
    }
  }
}

TEST(Checkpoint, KilledAtAnyTimeLeavesAWholeOne) {
  test::TemporaryFolder folder;
  save(folder.path(), 1);
  std::int64_t last = 1;
  for (int round = 0; round < 30; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (std::int64_t step = last + 1;; ++step) save(folder.path(), step);
    }
    ::usleep(static_cast<useconds_t>(500 + round * 977 % 20000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::int64_t now = found_step(folder.path());
    EXPECT_GE(now, last);
    EXPECT_TRUE(CheckpointFolder(folder.path()).find()->damaged.empty());
    last = now;
  }
}

}  // namespace
}  // namespace attend::train
