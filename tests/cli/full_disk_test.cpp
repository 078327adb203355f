// A disk that is really full: a file system of 2 MiB.

#include <gtest/gtest.h>

#include <algorithm>

#include "cli/tiny_model.h"
#include "support/small_disk.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;

/// The program ended with code 2 and its last output is one line that says so.
void expect_one_line(const Ended& ended) {
  EXPECT_EQ(ended.code, 2) << ended.err;
  const std::size_t at = ended.err.rfind("attend: ");
  ASSERT_NE(at, std::string::npos) << ended.err;
  EXPECT_EQ(ended.err.find("attend: "), at) << "more than one line: " << ended.err;
  EXPECT_EQ(std::count(ended.err.begin() + static_cast<std::ptrdiff_t>(at), ended.err.end(), '\n'), 1)
      << ended.err;
  EXPECT_NE(ended.err.find("No space left on device", at), std::string::npos) << ended.err;
}

void expect_no_part(const fs::path& folder) {
  for (const auto& [name, content] : contents(folder)) EXPECT_FALSE(name.ends_with(".part")) << name;
}

/// The files of the newest whole checkpoint.
std::map<std::string, std::string> checkpoint_of(const fs::path& out) {
  std::map<std::string, std::string> result;
  for (const auto& [name, content] : contents(out))
    if (name.starts_with("training/checkpoint-") && !name.ends_with("/")) result.emplace(name, content);
  return result;
}

class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.refused().empty()) GTEST_SKIP() << "no file system can be mounted here: " << disk_.refused();
    write_all(text(), tiny_text());
  }
  fs::path text() const { return folder_ / "text.txt"; }
  Words train(const fs::path& out, const Words& more) const {
    return train_tiny(text(), out, Words{"--schedule", "constant", "--save-every", "5"} + more);
  }

  TemporaryFolder folder_;
  SmallDisk disk_{std::uintmax_t{2} << 20};
};

TEST_F(FullDisk, WhileSavingLosesNothing) {
  const Ended straight = attend(train(folder_ / "straight", {}));
  ASSERT_EQ(straight.code, 0) << straight.err;
  const fs::path out = disk_ / "model";
  const Ended begun = attend(train(out, {"--steps", "20"}));
  ASSERT_EQ(begun.code, 0) << begun.err;
  const auto before = checkpoint_of(out);
  const std::string model = read_all(out / "model.safetensors");
  std::uintmax_t checkpoint = 0;
  for (const auto& [name, content] : before) checkpoint += content.size();
  ASSERT_GT(checkpoint, 2 * model.size());
  // Nothing at all; enough for small files; the end in the middle of the first large file, and of the last.
  for (const std::uintmax_t room : {std::uintmax_t{0}, std::uintmax_t{1}, std::uintmax_t{model.size() / 2},
                                    std::uintmax_t{checkpoint - model.size() / 2}}) {
    SCOPED_TRACE("bytes left: " + std::to_string(room));
    disk_.leave(room);
    expect_one_line(attend(train(out, {"--resume"})));
    EXPECT_TRUE(checkpoint_of(out) == before);
    EXPECT_TRUE(read_all(out / "model.safetensors") == model);
    expect_no_part(out);
    const Ended run = attend({"run", out.string(), "--prompt", "the", "--tokens", "3"});
    EXPECT_EQ(run.code, 0) << run.err;
  }
  disk_.clear();
  const Ended resumed = attend(train(out, {"--resume"}));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_TRUE(read_all(out / "model.safetensors") == read_all(folder_ / "straight" / "model.safetensors"));
}

TEST_F(FullDisk, FromTheStart) {
  const fs::path out = disk_ / "model";
  disk_.leave(0);
  expect_one_line(attend(train(out, {})));
  disk_.clear();
  const Ended trained = attend(train(out, {"--resume"}));
  EXPECT_EQ(trained.code, 0) << trained.err;
}

TEST_F(FullDisk, LeavesThePictureThatWasThere) {
  const fs::path model = folder_ / "model", page = disk_ / "page.html";
  const Ended trained = attend(train(model, {"--steps", "10"}));
  ASSERT_EQ(trained.code, 0) << trained.err;
  const Words see = {"see", model.string(), "the cat sees", "--out", page.string()};
  const Ended drawn = attend(see);
  ASSERT_EQ(drawn.code, 0) << drawn.err;
  const std::string before = read_all(page);
  disk_.leave(0);
  expect_one_line(attend(see));
  EXPECT_TRUE(read_all(page) == before);
}

}  // namespace
}  // namespace attend::test
