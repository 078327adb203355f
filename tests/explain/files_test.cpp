// PNG, JSON and the static parts of the page. The page in a browser: page_test.py.
#include <gtest/gtest.h>
#include <png.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "attend/base/error.h"
#include "attend/explain/html_page.h"
#include "attend/explain/json.h"
#include "attend/explain/png.h"
#include "explain/pack.h"
#include "explain/page_files.h"
#include "explain/synthetic.h"

namespace attend::explain {
namespace {

struct Image {
  int width = 0, height = 0;
  std::vector<Rgb> pixels;
  Rgb at(int x, int y) const { return pixels[static_cast<std::size_t>(y) * width + x]; }
};

Image decode(const std::vector<std::byte>& file) {
  png_image reader{};
  reader.version = PNG_IMAGE_VERSION;
  Image image;
  if (!png_image_begin_read_from_memory(&reader, file.data(), file.size())) {
    ADD_FAILURE() << reader.message;
    return image;
  }
  reader.format = PNG_FORMAT_RGB;
  image.width = static_cast<int>(reader.width);
  image.height = static_cast<int>(reader.height);
  std::vector<std::uint8_t> bytes(PNG_IMAGE_SIZE(reader));
  EXPECT_TRUE(png_image_finish_read(&reader, nullptr, bytes.data(), 0, nullptr)) << reader.message;
  for (std::size_t i = 0; i + 2 < bytes.size(); i += 3)
    image.pixels.push_back({bytes[i], bytes[i + 1], bytes[i + 2]});
  return image;
}

AttentionMaps toy() {
  AttentionMaps maps;
  maps.queries = maps.keys = {"a", "b"};
  maps.layers = 1;
  maps.heads = 2;
  maps.weights = {1, 0, 0.3f, 0.7f, 1, 0, 0.5f, 0.5f};
  return maps;
}

// Off by at most one step: the palette has one colour less than the map.
void expect_heat(Rgb found, float weight, Theme theme) {
  const auto& colors = heat_colors(theme);
  const int index = heat_index(weight);
  EXPECT_TRUE(found == colors[index] || found == colors[std::max(index - 1, 0)]) << "for " << weight;
}

TEST(PngTest, EachCellHasTheColourOfItsWeight) {
  for (const Theme theme : {Theme::kLight, Theme::kDark}) {
    const Image image = decode(to_png(toy(), {.cell = 5, .theme = theme}));
    ASSERT_EQ(image.width, 16 + 10 + 8 + 10 + 16);
    ASSERT_EQ(image.height, 16 + 10 + 16);
    EXPECT_NE(image.at(0, 0), image.at(16, 16));
    expect_heat(image.at(16, 16), 1.0f, theme);
    expect_heat(image.at(20, 20), 1.0f, theme);
    expect_heat(image.at(21, 16), 0.0f, theme);
    expect_heat(image.at(16, 21), 0.3f, theme);
    expect_heat(image.at(25, 25), 0.7f, theme);
    EXPECT_EQ(image.at(26, 25), image.at(0, 0)) << "the gap";
    expect_heat(image.at(34, 21), 0.5f, theme);
  }
}

TEST(PngTest, ChosenHeadOrMeanStandsAlone) {
  const Image head = decode(to_png(toy(), {.layer = 0, .head = 1, .cell = 4}));
  ASSERT_EQ(head.width, 40);
  expect_heat(head.at(16, 20), 0.5f, Theme::kLight);
  const Image mean = decode(to_png(toy(), {.mean = true, .cell = 4}));
  ASSERT_EQ(mean.width, 40);
  expect_heat(mean.at(16, 20), 0.4f, Theme::kLight);
}

TEST(PngTest, LongTextIsPooledAndKeepsItsPeaks) {
  std::vector<std::string> many(3000, "x");
  AttentionMaps maps;
  maps.queries = maps.keys = many;
  maps.layers = maps.heads = 1;
  maps.weights.assign(9'000'000, 0.0f);
  maps.weights[2999 * 3000] = 1.0f;
  const Image image = decode(to_png(maps));
  EXPECT_LE(image.width, 2000);
  EXPECT_LE(image.height, 2000);
  expect_heat(image.at(16, image.height - 17), 1.0f, Theme::kLight);
}

TEST(PngTest, CellsThatCannotBeAreRefused) {
  EXPECT_THROW(to_png(toy(), {.cell = -1}), Error);
  EXPECT_THROW(to_png(toy(), {.cell = 257}), Error);
  EXPECT_THROW(to_png(synthetic_maps(std::vector<std::string>(400, "x"), 1, 1), {.cell = 64}), Error);
}

TEST(JsonTest, GivesBackEveryNumberAndToken) {
  AttentionMaps maps = synthetic_maps(words(), 2, 3);
  maps.title = "a \"title\"\n";
  const auto json = nlohmann::json::parse(to_json(maps));
  EXPECT_EQ(json["format"], "attend-attention-maps");
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["title"], maps.title);
  EXPECT_EQ(json["causal"], true);
  EXPECT_EQ(json["shape"], (std::vector<int>{2, 3, 31, 31}));
  EXPECT_EQ(json["queries"].get<std::vector<std::string>>(), maps.queries);
  EXPECT_TRUE(json["query_bytes"].empty());
  std::size_t i = 0;
  for (const auto& layer : json["weights"])
    for (const auto& head : layer)
      for (const auto& row : head)
        for (const auto& weight : row) {
          ASSERT_LT(i, maps.weights.size());
          ASSERT_EQ(weight.get<float>(), maps.weights[i]) << i;
          ++i;
        }
  EXPECT_EQ(i, maps.weights.size());
}

TEST(JsonTest, BytesThatAreNotUtf8AreKept) {
  AttentionMaps maps = toy();
  maps.keys[1] = "\xE2\x80";
  maps.title = "\xFF";
  const auto json = nlohmann::json::parse(to_json(maps));
  EXPECT_EQ(json["keys"][1], "\\xe2\\x80");
  EXPECT_EQ(json["key_bytes"]["1"], "e280");
  EXPECT_TRUE(json["query_bytes"].empty());
}

TEST(PackTest, Base64OfEveryLength) {
  // The zlib streams of these bytes are stable; what is checked is that decoding the text gives them back.
  const auto quantised = quantise({0.0f, 1.0f, 0.5f, 1.004f});
  EXPECT_EQ(quantised, (std::vector<std::uint8_t>{0, 255, 128, 255, 0, 255, 0, 255}));
}

TEST(PackTest, QuantisationIsAsCloseAsPromised) {
  std::vector<float> weights;
  for (int i = 0; i <= 1000; ++i) weights.push_back(static_cast<float>(i) / 1000.0f);
  const auto bytes = quantise(weights);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double found = (bytes[i] * 256 + bytes[weights.size() + i]) / 65535.0;
    EXPECT_TRUE(std::abs(found - weights[i]) <= 7.7e-6) << i;
  }
}

TEST(PackTest, ThumbnailKeepsPeaks) {
  std::vector<float> weights(100 * 60, 0.0f);
  weights[99 * 60 + 59] = 1.0f;
  const auto small = thumbnail(weights, 100, 60, 48);
  ASSERT_EQ(small.size(), 48u * 48u);
  EXPECT_EQ(small.back(), 255);
  EXPECT_EQ(std::count(small.begin(), small.end(), 0), 48 * 48 - 1);
  EXPECT_EQ(thumbnail({1, 0, 0.25f, 1}, 2, 2, 48), (std::vector<std::uint8_t>{255, 0, 128, 255}));
}

TEST(HtmlTest, TextsCannotBecomeMarkup) {
  AttentionMaps maps =
      synthetic_maps({"</script><img src=x onerror=alert(1)>", "<!--", "{{data}}", "\xFF"}, 1, 1);
  maps.title = "</title><script>alert(1)</script>{{scripts}}";
  const std::string page = to_html(maps);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(1)&lt;/script&gt;{{scripts}}"), std::string::npos);
  EXPECT_NE(page.find("\"{{data}}\""), std::string::npos);
  EXPECT_NE(page.find("\\\\xff"), std::string::npos);
}

TEST(HtmlTest, EveryFileIsEmbeddedAndNothingComesFromTheNetwork) {
  for (const char* name : {"page.html", "page.css", "data.js", "state.js", "color.js", "text_view.js",
                           "top_list.js", "matrix.js", "overview.js", "controls.js", "main.js"})
    EXPECT_FALSE(page_file(name).empty()) << name;
  const std::string page = to_html(synthetic_maps(words(), 1, 1));
  for (const char* address : {"http:", "https:", "url(", "@import", "src="})
    EXPECT_EQ(page.find(address), std::string::npos) << address;
}

TEST(HtmlTest, TooLargeAPageIsRefused) {
  const auto maps = synthetic_maps(words(), 1, 1);
  const auto size = static_cast<std::int64_t>(to_html(maps).size());
  EXPECT_NO_THROW(to_html(maps, {.max_bytes = size}));
  EXPECT_THROW(to_html(maps, {.max_bytes = size - 1}), Error);
}

}  // namespace
}  // namespace attend::explain
