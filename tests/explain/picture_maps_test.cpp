#include "attend/explain/picture_maps.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "support/expect_error.h"

namespace attend::explain {
namespace {

// A picture of one grey, and a map whose right half counts.
PictureMaps two_halves() {
  PictureMaps maps{
      .title = "a <b>, 90.0 %",
      .picture = {.height = 4, .width = 8, .channels = 1},
      .maps = {{.name = "Half", .about = "the right half", .height = 1, .width = 2, .values = {0, 1}}}};
  maps.picture.pixels.assign(32, 128);
  return maps;
}

TEST(PictureMaps, AnOverlayIsBrighterWhereMoreCounts) {
  const io::Image image = overlay(two_halves(), 0, 64);
  EXPECT_EQ(image.width, 64);
  EXPECT_EQ(image.height, 32);
  const auto light = [&](std::int64_t column) {
    const std::uint8_t* pixel = image.pixels.data() + (16 * 64 + column) * 3;
    return io::luma(pixel[0], pixel[1], pixel[2]);
  };
  // Where nothing counts the picture shows, where all does the colour.
  EXPECT_GT(light(60), light(4) + 60);
  // Between the middles of the two cells it changes smoothly.
  for (std::int64_t column = 17; column < 48; ++column)
    EXPECT_LE(std::abs(light(column) - light(column - 1)), 12);
}

TEST(PictureMaps, ThePngHoldsThePictureAndEachMap) {
  PictureMaps maps = two_halves();
  maps.maps.resize(4, maps.maps[0]);
  const io::Image sheet = io::decode_image(to_png(maps, {.side = 32, .columns = 3}), "sheet");
  EXPECT_EQ(sheet.width, 3 * 32 + 2 * 8);
  EXPECT_EQ(sheet.height, 2 * 16 + 8);
  EXPECT_EQ(sheet.pixels[0], 128);
  EXPECT_EQ(sheet.pixels[static_cast<std::size_t>((20 * sheet.width + 1) * 3)], 255);  // between the rows
}

TEST(PictureMaps, PageNumbersAndTerminalHaveEveryMap) {
  const PictureMaps maps = two_halves();
  const std::string page = to_html(maps);
  EXPECT_NE(page.find("a &lt;b&gt;, 90.0 %"), std::string::npos);
  EXPECT_EQ(page.find("://"), std::string::npos);
  std::size_t pictures = 0;
  for (std::size_t at = page.find("data:image/png;base64,iVBOR"); at != std::string::npos;
       at = page.find("data:image/png;base64,iVBOR", at + 1))
    ++pictures;
  EXPECT_EQ(pictures, 2u);
  const auto object = nlohmann::json::parse(to_json(maps));
  EXPECT_EQ(object["maps"][0]["values"], (std::vector<float>{0, 1}));
  const std::string text = to_terminal(maps, {.color = ColorDepth::kNone, .unicode = false});
  EXPECT_NE(text.find("Half: the right half\n"), std::string::npos) << text;
}

TEST(PictureMaps, NamesWhatIsWrong) {
  PictureMaps maps = two_halves();
  maps.maps[0].values[1] = std::nanf("");
  EXPECT_ERROR(check(maps), "map 'Half' holds nan");
  maps.maps[0].values = {0};
  EXPECT_ERROR(to_json(maps), "1 values for 1 x 2");
  maps.maps.clear();
  EXPECT_ERROR(to_html(maps), "without a map");
  EXPECT_ERROR(to_png(two_halves(), {.side = 8}), "16 to 2048 pixels");
}

}  // namespace
}  // namespace attend::explain
