#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/child.h"
#include "support/tiny_text.h"

namespace attend::test {

using Words = std::vector<std::string>;

inline Words operator+(Words left, const Words& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// The shape and training of a model that takes a fraction of a second; dropout makes every random draw
/// count.
inline const Words kTiny = {
    "--preset", "nano", "--layers",  "2",   "--heads",      "2",  "--dim",   "16", "--context", "16",
    "--batch",  "4",    "--warmup",  "4",   "--eval-every", "10", "--steps", "40", "--lr",      "0.01",
    "--seed",   "11",   "--dropout", "0.1", "--precision",  "f32"};

/// The command line that trains the tiny model; `more` replaces values of its options and adds others.
inline Words train_tiny(const std::filesystem::path& data, const std::filesystem::path& out,
                        const Words& more = {}) {
  Words line = {"train", "generate", "--data", data.string(), "--out", out.string()};
  for (std::size_t i = 0; i < kTiny.size(); i += 2) {
    if (std::find(more.begin(), more.end(), kTiny[i]) == more.end())
      line = line + Words{kTiny[i], kTiny[i + 1]};
  }
  for (std::size_t i = 0; i < more.size(); ++i) {
    const auto again = std::find(more.begin() + static_cast<std::ptrdiff_t>(i) + 1, more.end(), more[i]);
    const bool option = more[i].starts_with("--");
    if (option && again != more.end())
      ++i;  // the later one counts
    else
      line.push_back(more[i]);
  }
  return line;
}

/// The contents of all files below a folder, by path; folders as "DIR/" with no content.
inline std::map<std::string, std::string> contents(const std::filesystem::path& folder) {
  std::map<std::string, std::string> result;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    if (entry.is_directory())
      result[name + "/"] = "";
    else
      result[name] = read_all(entry.path());
  }
  return result;
}

/// A text and a model trained on it, made once for all tests of a suite.
class TinyModel : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    write_all(text(), tiny_text());
    const Ended ended = attend(train_tiny(text(), model()));
    ASSERT_EQ(ended.code, 0) << ended.err;
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static std::filesystem::path text() { return *shared / "text.txt"; }
  static std::filesystem::path model() { return *shared / "model"; }

 private:
  static inline TemporaryFolder* shared = nullptr;
};

}  // namespace attend::test
