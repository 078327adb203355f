#include "attend/explain/color_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "explain/paint.h"

namespace attend::explain {
namespace {

double distance(Rgb x, Rgb y) {
  const auto a = oklab(x), b = oklab(y);
  return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

class ColorMapTest : public testing::TestWithParam<Theme> {};

TEST(OklabTest, MatchesThePublishedDefinition) {
  const auto near = [](std::array<double, 3> found, std::array<double, 3> expected) {
    for (int i = 0; i < 3; ++i)
      EXPECT_TRUE(std::abs(found[i] - expected[i]) <= 1e-4) << i << ": " << found[i];
  };
  near(oklab({255, 255, 255}), {1.0, 0.0, 0.0});
  near(oklab({0, 0, 0}), {0.0, 0.0, 0.0});
  near(oklab({255, 0, 0}), {0.62796, 0.22486, 0.12585});
}

// Steps of eight, so that rounding to bytes does not hide the shape.
TEST_P(ColorMapTest, EqualStepsLookEquallyLarge) {
  const auto& colors = heat_colors(GetParam());
  double smallest = 1.0, largest = 0.0;
  for (int i = 0; i + 8 < 256; i += 8) {
    smallest = std::min(smallest, distance(colors[i], colors[i + 8]));
    largest = std::max(largest, distance(colors[i], colors[i + 8]));
  }
  EXPECT_GT(smallest, 0.02);
  EXPECT_TRUE(largest <= 1.25 * smallest) << smallest << " to " << largest;
}

TEST_P(ColorMapTest, LightnessIsMonotonic) {
  const auto& colors = heat_colors(GetParam());
  const double sign = GetParam() == Theme::kLight ? -1.0 : 1.0;
  for (int i = 0; i + 4 < 256; ++i)
    EXPECT_GT(sign * (oklab(colors[i + 4])[0] - oklab(colors[i])[0]), 0.0) << "at " << i;
}

TEST_P(ColorMapTest, EveryXtermColorIsCloseToTheOneItStandsFor) {
  for (const Rgb color : {Rgb{255, 255, 255}, Rgb{0, 0, 0}, Rgb{95, 135, 175}, Rgb{118, 118, 118}}) {
    const int index = nearest_ansi256(color);
    const Rgb expected = color;
    const auto level = [](int step) { return static_cast<std::uint8_t>(step == 0 ? 0 : 55 + 40 * step); };
    const auto grey = static_cast<std::uint8_t>(8 + 10 * (index - 232));
    const Rgb found =
        index >= 232 ? Rgb{grey, grey, grey}
                     : Rgb{level((index - 16) / 36), level((index - 16) / 6 % 6), level((index - 16) % 6)};
    EXPECT_EQ(found, expected) << index;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, ColorMapTest, testing::Values(Theme::kLight, Theme::kDark),
                         [](const auto& test) { return test.param == Theme::kLight ? "Light" : "Dark"; });

TEST(HeatIndexTest, IsTheSquareRootAndNeverOutside) {
  EXPECT_EQ(heat_index(0.0f), 0);
  EXPECT_EQ(heat_index(0.25f), 128);
  EXPECT_EQ(heat_index(1.0f), 255);
  EXPECT_EQ(heat_index(1.004f), 255);
  EXPECT_EQ(heat_index(-1.0f), 0);
}

}  // namespace
}  // namespace attend::explain
