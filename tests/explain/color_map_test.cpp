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

TEST(XtermPaletteTest, HasTheLevelsOfXterm) {
  EXPECT_EQ(ansi256_color(16), (Rgb{0, 0, 0}));
  EXPECT_EQ(ansi256_color(67), (Rgb{95, 135, 175}));
  EXPECT_EQ(ansi256_color(231), (Rgb{255, 255, 255}));
  EXPECT_EQ(ansi256_color(232), (Rgb{8, 8, 8}));
  EXPECT_EQ(ansi256_color(255), (Rgb{238, 238, 238}));
}

TEST_P(ColorMapTest, XtermScaleHasManyStepsAndNeverTurnsBack) {
  const double sign = GetParam() == Theme::kLight ? -1.0 : 1.0;
  int steps = 1;
  for (int i = 1; i < 256; ++i) {
    const int before = ansi256_heat(GetParam(), i - 1), after = ansi256_heat(GetParam(), i);
    if (before == after) continue;
    ++steps;
    EXPECT_GT(sign * (oklab(ansi256_color(after))[0] - oklab(ansi256_color(before))[0]), -0.02) << "at " << i;
  }
  EXPECT_GE(steps, 7);
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
