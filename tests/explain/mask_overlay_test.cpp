#include "attend/explain/mask_overlay.h"

#include <gtest/gtest.h>

#include "attend/io/label_map.h"
#include "support/expect_error.h"

namespace attend::explain {
namespace {

TEST(MaskOverlay, ColoursClassesAndLeavesTheBackground) {
  const io::Image picture{.height = 1, .width = 3, .channels = 1, .pixels = {100, 100, 10}};
  const io::Image mask{.height = 1, .width = 3, .channels = 1, .pixels = {0, 1, 2}};
  const auto& colors = io::label_colors();
  EXPECT_EQ(mask_overlay(picture, mask, colors).pixels,
            (std::vector<std::uint8_t>{100, 100, 100, 114, 50, 50, 5, 69, 5}));
  EXPECT_EQ(mask_overlay(picture, mask, colors, {.opacity = 1, .background = -1}).pixels,
            (std::vector<std::uint8_t>{0, 0, 0, 128, 0, 0, 0, 128, 0}));
  EXPECT_ERROR(mask_overlay(picture, mask, std::span(colors).first(2)), "class 2 in a mask, and 2 colours");
  EXPECT_ERROR(mask_overlay(picture, mask, colors, {.opacity = 1.5}), "opacity 1.5: 0 to 1");
  EXPECT_ERROR(mask_overlay(picture, {.height = 3, .width = 1, .channels = 1, .pixels = {0, 1, 2}}, colors),
               "a mask of 3 x 1 x 1 for a picture of 1 x 3");
}

}  // namespace
}  // namespace attend::explain
