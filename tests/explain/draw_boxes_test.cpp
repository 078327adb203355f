#include "attend/explain/draw_boxes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <utility>

#include "attend/explain/color_map.h"
#include "explain/letters.h"
#include "support/expect_error.h"

namespace attend::explain {
namespace {

io::Image grey(std::int64_t height, std::int64_t width, std::uint8_t value = 40) {
  io::Image image{.height = height, .width = width, .channels = 1};
  image.pixels.assign(static_cast<std::size_t>(height * width), value);
  return image;
}

Rgb at(const io::Image& image, std::int64_t row, std::int64_t column) {
  const std::uint8_t* const pixel = image.pixels.data() + (row * image.width + column) * 3;
  return {pixel[0], pixel[1], pixel[2]};
}

constexpr Rgb kGround = {40, 40, 40};

TEST(DrawBoxes, FramesStandAtTheEdgesOfBoxes) {
  const data::DetectedBox box{{100, 50, 200, 150, 1}, 0.875};
  const io::Image drawing = draw_boxes(grey(200, 448), std::span(&box, 1), {"cat", "dog"});
  EXPECT_EQ(drawing.height, 200);
  EXPECT_EQ(drawing.width, 448);
  const Rgb color = class_color(1);
  for (const std::int64_t row : {50, 51, 100, 148, 149}) {
    EXPECT_EQ(at(drawing, row, 100), color) << row;
    EXPECT_EQ(at(drawing, row, 101), color) << row;
    EXPECT_EQ(at(drawing, row, 198), color) << row;
    EXPECT_EQ(at(drawing, row, 199), color) << row;
    EXPECT_EQ(at(drawing, row, 99), kGround) << row;
    EXPECT_EQ(at(drawing, row, 200), kGround) << row;
  }
  for (const auto& [row, column] : {std::pair{52, 102}, {52, 197}, {147, 102}, {147, 197}})
    EXPECT_EQ(at(drawing, row, column), kGround) << row << ", " << column;
  EXPECT_EQ(at(drawing, 149, 150), color);
  EXPECT_EQ(at(drawing, 150, 150), kGround);
  // The plate with "dog 0.88" (0.875 rounds to even in %.2f), as wide as its eight letters.
  io::Image plate{.height = 9, .width = text_width("dog 0.88") + 2, .channels = 3};
  for (std::int64_t i = 0; i < plate.height * plate.width; ++i)
    plate.pixels.insert(plate.pixels.end(), {color.red, color.green, color.blue});
  write_text(plate, "dog 0.88", 1, 1, 1, {0, 0, 0});
  EXPECT_EQ(plate.width, 49);
  for (std::int64_t y = 0; y < plate.height; ++y)
    for (std::int64_t x = 0; x < plate.width; ++x)
      ASSERT_EQ(at(drawing, 41 + y, 100 + x), at(plate, y, x)) << y << ", " << x;
  EXPECT_EQ(at(drawing, 40, 100), kGround);
  EXPECT_EQ(at(drawing, 41, 149), kGround);
}

TEST(DrawBoxes, SmallPicturesGrowAndTheMostSureIsOnTop) {
  const std::vector<data::DetectedBox> boxes = {{{0, 0, 10, 10, 0}, 0.9}, {{0, 0, 10, 10, 1}, 0.1}};
  const io::Image drawing = draw_boxes(grey(10, 20), boxes, {"a", "b"});
  EXPECT_EQ(drawing.width, 448);
  EXPECT_EQ(drawing.height, 224);
  EXPECT_EQ(at(drawing, 223, 0), class_color(0));
  EXPECT_EQ(at(drawing, 100, 223), class_color(0));
  EXPECT_EQ(at(drawing, 100, 224), kGround);
  EXPECT_EQ(at(drawing, 0, 0), class_color(0));  // the plate is inside where there is no room above
  const io::Image larger = draw_boxes(grey(10, 20), boxes, {"a", "b"}, {.side = 900});
  EXPECT_EQ(larger.width, 900);
  EXPECT_EQ(at(larger, 449, 3), class_color(0));  // lines grow with it
  EXPECT_NE(at(larger, 440, 4), class_color(0));
}

TEST(DrawBoxes, AnnotationsSayWhatIsSpecial) {
  const std::vector<data::AnnotatedBox> plain = {{.box = {50, 50, 400, 400, 0}}};
  std::vector<data::AnnotatedBox> crowd = plain;
  crowd[0].crowd = true;
  EXPECT_NE(draw_boxes(grey(448, 448), plain, {"a"}), draw_boxes(grey(448, 448), crowd, {"a"}));
  // A plate that would stand out at the right is moved in.
  const std::vector<data::AnnotatedBox> corner = {{.box = {447, 447, 448, 448, 0}}};
  const io::Image drawing = draw_boxes(grey(448, 448), corner, {"a long name"});
  EXPECT_EQ(at(drawing, 438, 447), class_color(0));
  EXPECT_EQ(at(drawing, 438, 448 - text_width("a long name") - 2), class_color(0));
  EXPECT_EQ(at(drawing, 438, 448 - text_width("a long name") - 3), kGround);
}

TEST(DrawBoxes, LettersAreAllDifferent) {
  std::set<std::vector<std::uint8_t>> pictures;
  for (char c = ' '; c <= '~'; ++c) {
    io::Image image = io::with_channels(grey(9, 9), 3);
    write_text(image, {&c, 1}, 1, 2, 1, {255, 255, 255});
    pictures.insert(image.pixels);
    for (std::int64_t i = 0; i < 9; ++i)  // inside of the letter's own pixels
      for (const Rgb edge :
           {at(image, 0, i), at(image, 8, i), at(image, i, 0), at(image, i, 1), at(image, i, 7)})
        EXPECT_EQ(edge, kGround) << c;
  }
  EXPECT_EQ(pictures.size(), 95u);
  EXPECT_EQ(text_width(""), 0);
  EXPECT_EQ(text_width("a\xc3\xa9"), 11);
  io::Image image = io::with_channels(grey(9, 9), 3);
  write_text(image, "\xc3\xa9", 1, 1, 1, {255, 255, 255});  // a frame for what is not ASCII
  EXPECT_EQ(at(image, 1, 1), (Rgb{255, 255, 255}));
  EXPECT_EQ(at(image, 7, 5), (Rgb{255, 255, 255}));
  EXPECT_EQ(at(image, 4, 3), kGround);
  write_text(image, "M", -3, 6, 4, {9, 9, 9});  // over all edges
  EXPECT_EQ(at(image, 0, 8), (Rgb{9, 9, 9}));
}

TEST(DrawBoxes, MasksAreTranslucent) {
  io::Image mask = grey(1, 2, 0);
  mask.pixels[1] = 3;
  const io::Image drawing = draw_mask(grey(1, 2), mask, {.side = 16, .opacity = 0.25});
  EXPECT_EQ(drawing.width, 16);
  EXPECT_EQ(at(drawing, 7, 7), kGround);
  const Rgb color = class_color(2), mixed = at(drawing, 0, 8);
  EXPECT_EQ(mixed.red, std::lround(0.75 * 40 + 0.25 * color.red));
  EXPECT_EQ(mixed.green, std::lround(0.75 * 40 + 0.25 * color.green));
  EXPECT_EQ(mixed.blue, std::lround(0.75 * 40 + 0.25 * color.blue));
  const io::Image all = draw_mask(grey(1, 2), mask, {.side = 16, .opacity = 1, .first_class = 0});
  EXPECT_EQ(at(all, 0, 0), class_color(0));
  EXPECT_EQ(at(all, 0, 15), class_color(3));
}

TEST(DrawBoxes, ColorsOfClassesDifferAndAreReadable) {
  for (std::int64_t label = 0; label < 100; ++label) {
    const auto lab = oklab(class_color(label));
    EXPECT_TRUE(std::abs(lab[0] - 0.75) <= 0.01) << label;  // cut off nowhere, up to rounding
    EXPECT_TRUE(std::abs(std::hypot(lab[1], lab[2]) - 0.124) <= 0.01) << label;
    for (std::int64_t other = 0; other < std::min<std::int64_t>(label, 12); ++other) {
      if (label >= 12) continue;
      const auto far = oklab(class_color(other));
      EXPECT_GT(std::hypot(lab[1] - far[1], lab[2] - far[2]), 0.03) << label << " and " << other;
    }
  }
  EXPECT_ERROR(class_color(-1), "a colour for class -1");
}

TEST(DrawBoxes, RefusesWhatCannotBeDrawn) {
  const auto draw = [](const data::DetectedBox& box, const DrawOptions& options = {}) {
    return draw_boxes(grey(4, 4), std::span(&box, 1), {"a"}, options);
  };
  EXPECT_ERROR(draw({{0, 0, 0, 1, 0}, 1}), "a box from (0, 0) to (0, 1)");
  EXPECT_ERROR(draw({{0, 0, 1, 1, 1}, 1}), "a box of class 1; there are names for 1 classes");
  EXPECT_ERROR(draw({{0, 0, 1, 1, 0}, std::nan("")}), "a score that is NaN");
  EXPECT_ERROR(draw({{0, 0, 1, 1, 0}, 1}, {.side = 15}), "a drawing of 15 pixels; 16 to 8192");
  EXPECT_ERROR(draw_mask(grey(4, 4), grey(4, 5)), "a mask of 4 x 5 x 1 for a picture of 4 x 4");
  EXPECT_ERROR(draw_mask(grey(4, 4), grey(4, 4), {.opacity = 1.5}), "colours of opacity 1.5");
  EXPECT_ERROR(draw_mask(grey(4, 4), grey(4, 4), {.first_class = 256}), "256 for class 0");
  EXPECT_ERROR(draw_mask(io::Image{}, grey(4, 4)), "");
  // Boxes partly or wholly outside of the picture are drawn at its edge.
  EXPECT_EQ(draw({{-9, -9, 99, 99, 0}, 1}).width, 448);
  EXPECT_EQ(draw({{50, 50, 99, 99, 0}, 1}).width, 448);
}

}  // namespace
}  // namespace attend::explain
