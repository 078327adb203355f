#include "attend/data/split.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace attend::data {
namespace {

TEST(Split, IsWhatItWas) {
  // Computed in Python; FNV-1a of "a" alone is the published af63dc4c8601ec8c.
  EXPECT_EQ(hash_of(""), 0xf52a15e9a9b5e89bu);
  EXPECT_EQ(hash_of("a"), 0x02c0bdbf481420f8u);
  EXPECT_EQ(split_of("bash"), Split::test);
  EXPECT_EQ(split_of("coreutils"), Split::train);
}

TEST(Split, HasTheSharesThatWereAskedFor) {
  constexpr int kGroups = 20000;
  for (const SplitShares shares : {SplitShares{}, SplitShares{.valid = 0.3, .test = 0.2}}) {
    std::array<int, 3> counts = {};
    for (int i = 0; i < kGroups; ++i)
      ++counts[static_cast<std::size_t>(split_of("package-" + std::to_string(i), shares))];
    // Four standard deviations of the largest part.
    EXPECT_NEAR(counts[1], shares.valid * kGroups, 260);
    EXPECT_NEAR(counts[2], shares.test * kGroups, 260);
  }
}

TEST(Split, MeasuresEachGroupInOneFold) {
  for (int i = 0; i < 1000; ++i) {
    const std::string group = "package-" + std::to_string(i);
    int measured = 0, chosen_by = 0;
    for (int fold = 0; fold < 10; ++fold) {
      const Split split = split_of(group, {.fold = fold});
      measured += split == Split::test ? 1 : 0;
      chosen_by += split == Split::valid ? 1 : 0;
    }
    EXPECT_EQ(measured, 1) << group;
    EXPECT_LE(chosen_by, 1) << group;
    EXPECT_EQ(split_of(group, {.fold = 0}), split_of(group));
  }
}

TEST(Split, KeepsItsGroupsWhenAShareGrows) {
  int kept = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string group = std::to_string(i);
    const Split before = split_of(group);
    if (before == Split::train) continue;
    EXPECT_EQ(split_of(group, {.valid = 0.2, .test = 0.3}), before);
    ++kept;
  }
  EXPECT_GT(kept, 50);
}

TEST(Split, MayBeAllOfOneKind) {
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(split_of(std::to_string(i), {.valid = 0, .test = 0}), Split::train);
    EXPECT_EQ(split_of(std::to_string(i), {.valid = 0, .test = 1}), Split::test);
    EXPECT_EQ(split_of(std::to_string(i), {.valid = 1, .test = 0}), Split::valid);
  }
}

}  // namespace
}  // namespace attend::data
