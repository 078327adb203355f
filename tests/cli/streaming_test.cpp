#include <gtest/gtest.h>

#include <fmt/format.h>
#include <fstream>

#include "cli/child.h"
#include "support/sanitized.h"

namespace attend::test {
namespace {

constexpr int kPairs = kSanitized ? 100'000 : 10'000'000;

// Two strings for each pair would take 64 bytes before their first letter: 640 MB.
constexpr std::int64_t kMostBytes = 400'000'000;

TEST(Streaming, TenMillionPairsAreLearntFromInBoundedMemory) {
  const TemporaryFolder folder;
  {
    std::ofstream pairs(folder / "pairs.tsv", std::ios::binary);
    for (int i = 0; i < kPairs; ++i)
      pairs << fmt::format("w{} a{}\tv{} b{}\n", i % 977, i % 13, i % 977, i % 13);
  }
  const Ended ended = attend({"train",
                              "translate",
                              "--data",
                              folder / "pairs.tsv",
                              "--out",
                              folder / "model",
                              "--tokenizer",
                              "byte",
                              "--encoder-layers",
                              "1",
                              "--decoder-layers",
                              "1",
                              "--dim",
                              "16",
                              "--heads",
                              "2",
                              "--context",
                              "16",
                              "--batch",
                              "256",
                              "--steps",
                              "2",
                              "--threads",
                              "1",
                              "--precision",
                              "f32"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.err.find(fmt::format("{} to learn from, 2000 held out, 0 left out", kPairs - 2000)),
            std::string::npos)
      << ended.err;
  EXPECT_GT(ended.peak_bytes, 1'000'000);
  if (!kSanitized) {
    EXPECT_LE(ended.peak_bytes, kMostBytes);
  }
}

}  // namespace
}  // namespace attend::test
