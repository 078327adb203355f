#include <gtest/gtest.h>

#include "cli/tiny_model.h"

namespace attend::test {
namespace {

class SameBits : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { write_all(folder_ / "text.txt", tiny_text()); }

  /// The weights that a training with these options gives.
  std::string trained(const Words& more) {
    const std::filesystem::path out = folder_ / ("model" + std::to_string(count_++));
    const Ended ended =
        attend(train_tiny(folder_ / "text.txt", out, Words{"--precision", GetParam()} + more));
    EXPECT_EQ(ended.code, 0) << ended.err;
    return read_all(out / "model.safetensors");
  }

  TemporaryFolder folder_;
  int count_ = 0;
};

TEST_P(SameBits, OneSeedTwiceAndAnyThreads) {
  const std::string first = trained({"--threads", "1"});
  EXPECT_TRUE(first == trained({"--threads", "1"})) << "two runs with one seed differ";
  EXPECT_TRUE(first == trained({"--threads", "2"})) << "1 and 2 threads differ";
  EXPECT_TRUE(first == trained({"--threads", "5"})) << "1 and 5 threads differ";
  EXPECT_TRUE(first == trained({"--threads", "2", "--recompute"})) << "--recompute differs";
  EXPECT_FALSE(first == trained({"--seed", "12"})) << "the seed changes nothing";
}

INSTANTIATE_TEST_SUITE_P(Precisions, SameBits, testing::Values("f32", "bf16"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace attend::test
