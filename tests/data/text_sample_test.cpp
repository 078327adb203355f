#include "attend/data/text_sample.h"

#include <gtest/gtest.h>

#include <string>

namespace attend::data {
namespace {

TEST(TextSample, KeepsEverythingThatFits) {
  TextSample sample(20);
  sample.add("one");
  sample.add("");
  sample.add("three");
  EXPECT_EQ(sample.text(), "one\n\nthree\n");
}

TEST(TextSample, TakesEveryKthLineOfMore) {
  TextSample sample(100);
  for (int i = 0; i < 1000; ++i) sample.add(std::to_string(1000 + i));
  // Twenty lines of five bytes fit; every 64th of a thousand is 16 lines.
  std::string expected;
  for (int i = 0; i < 1000; i += 64) expected += std::to_string(1000 + i) + "\n";
  EXPECT_EQ(sample.text(), expected);
}

TEST(TextSample, KeepsOneLineHoweverLong) {
  TextSample sample(10);
  sample.add(std::string(50, 'x'));
  sample.add(std::string(50, 'y'));
  EXPECT_EQ(sample.text(), std::string(50, 'x') + "\n");
}

}  // namespace
}  // namespace attend::data
