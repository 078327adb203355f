#include "attend/io/label_map.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace attend::io {
namespace {

TEST(LabelMap, NumbersOfAPaletteAndValuesOfGreyAreKept) {
  Image map{.height = 16, .width = 16, .channels = 1};
  for (int i = 0; i < 256; ++i) map.pixels.push_back(static_cast<std::uint8_t>(i));
  EXPECT_EQ(decode_label_map(encode_label_map(map, label_colors()), "file"), map);
  EXPECT_EQ(decode_label_map(encode_png(map), "file"), map);
  // As a picture, the colours show.
  const Image seen = decode_image(encode_label_map(map, label_colors()), "file");
  EXPECT_EQ(seen.channels, 3);
  EXPECT_EQ(seen.pixels[3], 128);
  EXPECT_EQ(seen.pixels[4], 0);
}

TEST(LabelMap, ColoursAreThoseOfPascalVoc) {
  const auto& colors = label_colors();
  using Color = std::array<std::uint8_t, 3>;
  // Background, aeroplane, bicycle, bird, cow, border: from the table of its development kit.
  EXPECT_EQ(colors[0], (Color{0, 0, 0}));
  EXPECT_EQ(colors[1], (Color{128, 0, 0}));
  EXPECT_EQ(colors[2], (Color{0, 128, 0}));
  EXPECT_EQ(colors[3], (Color{128, 128, 0}));
  EXPECT_EQ(colors[10], (Color{64, 128, 0}));
  EXPECT_EQ(colors[255], (Color{224, 224, 192}));
}

TEST(LabelMap, RefusesWhatIsNoMask) {
  Image map{.height = 1, .width = 2, .channels = 1, .pixels = {0, 3}};
  const auto& colors = label_colors();
  EXPECT_ERROR(encode_label_map(map, std::span(colors).first(3)), "a mask with the number 3, and 3 colours");
  Image rgb{.height = 1, .width = 1, .channels = 3, .pixels = {1, 2, 3}};
  EXPECT_ERROR(encode_label_map(rgb, colors), "a mask of 3 channels: one needed");
  EXPECT_ERROR(decode_label_map(encode_png(rgb), "rgb.png"), "rgb.png: colours of 8 bits; a mask is");
  const std::string text = "no picture";
  EXPECT_ERROR(decode_label_map(std::as_bytes(std::span(text)), "text.png"),
               "text.png: it is no PNG picture");
  const std::vector<std::byte> good = encode_png(map);
  EXPECT_ERROR(decode_label_map(std::span(good).first(40), "cut.png"), "cut.png");
  EXPECT_ERROR(decode_label_map(good, "large.png", {.max_pixels = 1}), "a picture of 2 x 1 pixels");
  EXPECT_ERROR(read_label_map("/nothing.png"), "/nothing.png");
}

}  // namespace
}  // namespace attend::io
