#include "attend/explain/picture_maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "attend/base/error.h"
#include "attend/data/augment.h"
#include "attend/explain/color_map.h"
#include "explain/html.h"
#include "explain/pack.h"
#include "explain/paint.h"
#include "explain/token_text.h"

namespace attend::explain {

namespace {

constexpr std::int64_t kGap = 8;  // pixels between two copies

// [height, width] by bilinear interpolation of a map, whose values stand in the middle of their cells.
float value_at(const PictureMap& map, double y, double x) {
  const double row = std::clamp(y * static_cast<double>(map.height) - 0.5, 0.0,
                                static_cast<double>(map.height - 1)),
               column = std::clamp(x * static_cast<double>(map.width) - 0.5, 0.0,
                                   static_cast<double>(map.width - 1));
  const auto top = static_cast<std::int64_t>(row), left = static_cast<std::int64_t>(column);
  const std::int64_t bottom = std::min(top + 1, map.height - 1), right = std::min(left + 1, map.width - 1);
  const double down = row - static_cast<double>(top), across = column - static_cast<double>(left);
  const auto at = [&](std::int64_t i, std::int64_t j) {
    return static_cast<double>(map.values[static_cast<std::size_t>(i * map.width + j)]);
  };
  return static_cast<float>((1 - down) * ((1 - across) * at(top, left) + across * at(top, right)) +
                            down * ((1 - across) * at(bottom, left) + across * at(bottom, right)));
}

io::Image scaled(const io::Image& picture, std::int64_t side) {
  const double factor =
      static_cast<double>(side) / static_cast<double>(std::max(picture.height, picture.width));
  const auto sized = [&](std::int64_t length) {
    return std::max<std::int64_t>(1, std::llround(factor * static_cast<double>(length)));
  };
  return data::resize({.image = io::with_channels(picture, 3)}, sized(picture.height), sized(picture.width))
      .image;
}

void paste(io::Image& to, const io::Image& from, std::int64_t top, std::int64_t left) {
  for (std::int64_t row = 0; row < from.height; ++row)
    std::copy_n(from.pixels.begin() + row * from.width * 3, from.width * 3,
                to.pixels.begin() + ((top + row) * to.width + left) * 3);
}

std::string figure(const io::Image& image, const std::string& name, const std::string& about) {
  const std::vector<std::byte> png = io::encode_png(image);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(png.data());
  return fmt::format(
      "<section class=\"card\"><h2>{}</h2><p class=\"note\">{}</p>\n<img alt=\"{}\" width=\"{}\" "
      "height=\"{}\" "
      "src=\"data:image/png;base64,{}\"></section>\n",
      escape_html(name), escape_html(about), escape_html(name), image.width, image.height,
      base64(bytes, png.size()));
}

std::string rows_of(const PictureMap& map, const TerminalOptions& options) {
  constexpr std::int64_t kMostRows = 24;
  constexpr int kCell = 2;
  const std::int64_t rows = std::min(map.height, kMostRows),
                     columns = std::min<std::int64_t>(
                         map.width, std::min<std::int64_t>(kMostRows, options.width / kCell));
  const Paint paint(options);
  std::string text;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j)
      text += paint.cell(value_at(map, (static_cast<double>(i) + 0.5) / static_cast<double>(rows),
                                  (static_cast<double>(j) + 0.5) / static_cast<double>(columns)),
                         kCell);
    text += "\n";
  }
  return text;
}

}  // namespace

void check(const PictureMaps& maps) {
  io::check(maps.picture);
  if (maps.maps.empty()) throw Error("a picture without a map of what counts in it");
  for (const PictureMap& map : maps.maps) {
    if (map.height < 1 || map.width < 1 ||
        static_cast<std::int64_t>(map.values.size()) != map.height * map.width)
      throw Error(
          fmt::format("map '{}': {} values for {} x {}", map.name, map.values.size(), map.height, map.width));
    for (const float value : map.values)
      if (!(value >= 0 && value <= 1))
        throw Error(fmt::format("map '{}' holds {}: values from 0 to 1 needed", map.name, value));
  }
}

io::Image overlay(const PictureMaps& maps, std::size_t map, std::int64_t side) {
  io::Image image = scaled(maps.picture, side);
  const auto& colors = heat_colors(Theme::kDark);
  for (std::int64_t row = 0; row < image.height; ++row)
    for (std::int64_t column = 0; column < image.width; ++column) {
      std::uint8_t* pixel = image.pixels.data() + (row * image.width + column) * 3;
      const float value =
          value_at(maps.maps[map], (static_cast<double>(row) + 0.5) / static_cast<double>(image.height),
                   (static_cast<double>(column) + 0.5) / static_cast<double>(image.width));
      const Rgb color = colors[static_cast<std::size_t>(heat_index(value))];
      const float part = 0.2F + 0.6F * value, grey = io::luma(pixel[0], pixel[1], pixel[2]);
      const std::uint8_t channels[] = {color.red, color.green, color.blue};
      for (int c = 0; c < 3; ++c)
        pixel[c] = static_cast<std::uint8_t>(
            std::lround((1 - part) * grey + part * static_cast<float>(channels[c])));
    }
  return image;
}

std::vector<std::byte> to_png(const PictureMaps& maps, const PicturePngOptions& options) {
  check(maps);
  if (options.side < 16 || options.side > 2048 || options.columns < 1)
    throw Error(
        fmt::format("copies of {} pixels in {} columns: 16 to 2048 pixels and at least 1 column needed",
                    options.side, options.columns));
  std::vector<io::Image> copies = {scaled(maps.picture, options.side)};
  for (std::size_t i = 0; i < maps.maps.size(); ++i) copies.push_back(overlay(maps, i, options.side));
  const auto count = static_cast<std::int64_t>(copies.size());
  const std::int64_t columns = std::min(options.columns, count), rows = (count + columns - 1) / columns,
                     height = copies[0].height, width = copies[0].width;
  io::Image sheet{.height = rows * (height + kGap) - kGap, .width = columns * (width + kGap) - kGap};
  sheet.pixels.assign(static_cast<std::size_t>(sheet.height * sheet.width * 3), 255);
  for (std::int64_t i = 0; i < count; ++i)
    paste(sheet, copies[static_cast<std::size_t>(i)], i / columns * (height + kGap),
          i % columns * (width + kGap));
  return io::encode_png(sheet);
}

std::string to_html(const PictureMaps& maps) {
  check(maps);
  constexpr std::int64_t kSide = 320;
  std::string body = figure(scaled(maps.picture, kSide), "The picture", "");
  for (std::size_t i = 0; i < maps.maps.size(); ++i)
    body += figure(overlay(maps, i, kSide), maps.maps[i].name, maps.maps[i].about);
  return plain_page(maps.title, "What the model looked at: brighter blue counts more.", body);
}

std::string to_json(const PictureMaps& maps) {
  check(maps);
  nlohmann::ordered_json object = {{"title", maps.title},
                                   {"height", maps.picture.height},
                                   {"width", maps.picture.width},
                                   {"maps", nlohmann::ordered_json::array()}};
  for (const PictureMap& map : maps.maps)
    object["maps"].push_back({{"name", map.name},
                              {"about", map.about},
                              {"height", map.height},
                              {"width", map.width},
                              {"values", map.values}});
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string to_terminal(const PictureMaps& maps, const TerminalOptions& options) {
  check(maps);
  const Paint paint(options);
  std::string text = paint.bold(show_token(maps.title, TokenStyle::kText)) + "\n";
  for (const PictureMap& map : maps.maps)
    text += fmt::format("\n{}: {}\n{}", map.name, map.about, rows_of(map, options));
  return text;
}

}  // namespace attend::explain
