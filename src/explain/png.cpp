#include "attend/explain/png.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "attend/base/error.h"
#include "explain/token_text.h"
#include "io/png.h"

namespace attend::explain {
namespace {

constexpr int kLargestSide = 16384;
constexpr int kWantedSide = 2000;  // of a picture whose cell size is left open
constexpr int kLargestOpenCell = 24;
constexpr int kMargin = 16;
constexpr int kGap = 8;

// The palette holds the ground and 255 steps of the colour map.
constexpr std::uint8_t kGround = 0;
std::uint8_t heat_pixel(float weight) {
  return static_cast<std::uint8_t>(1 + heat_index(weight) * 254 / 255);
}

struct Panel {
  std::int64_t layer;
  std::optional<std::int64_t> head;
};

// An indexed picture, a byte a pixel.
struct Picture {
  int width, height;
  std::vector<std::uint8_t> pixels;
};

std::vector<std::vector<Panel>> arrange(const AttentionMaps& maps, const PngOptions& options) {
  std::vector<std::vector<Panel>> rows;
  const std::int64_t first_layer = options.layer.value_or(0);
  const std::int64_t last_layer = options.layer.value_or(maps.layers - 1);
  for (std::int64_t layer = first_layer; layer <= last_layer; ++layer) {
    auto& row = rows.emplace_back();
    if (options.mean)
      row.push_back({layer, std::nullopt});
    else if (options.head)
      row.push_back({layer, options.head});
    else
      for (std::int64_t head = 0; head < maps.heads; ++head) row.push_back({layer, head});
  }
  return rows;
}

// How weights become pixels: either a weight is a square of `cell` pixels, or a pixel is the largest of
// `pool` x `pool` weights.
struct Scale {
  std::int64_t cell = 1, pool = 1;
  std::int64_t pixels(std::int64_t weights) const { return (weights + pool - 1) / pool * cell; }
};

// Pixels of a side of the picture with `panels` panels of `weights` weights along it.
std::int64_t side(std::int64_t panels, std::int64_t weights, Scale scale) {
  return 2 * kMargin + panels * scale.pixels(weights) + (panels - 1) * kGap;
}

Scale choose_scale(std::int64_t across, std::int64_t down, std::int64_t keys, std::int64_t queries,
                   int cell) {
  const auto longest = [&](Scale scale) {
    return std::max(side(across, keys, scale), side(down, queries, scale));
  };
  if (cell > 0) {
    const std::int64_t found = longest({cell, 1});
    if (found > kLargestSide)
      throw Error(
          fmt::format("a picture with cells of {} pixels would be {} pixels long, at most {} are accepted: "
                      "choose a smaller cell, one layer or one head",
                      cell, found, kLargestSide));
    return {cell, 1};
  }
  Scale scale{kLargestOpenCell, 1};
  while (scale.cell > 1 && longest(scale) > kWantedSide) --scale.cell;
  while (longest(scale) > kWantedSide && scale.pool < std::max(keys, queries)) ++scale.pool;
  if (longest(scale) > kLargestSide)
    throw Error(fmt::format("{} by {} heat maps do not fit into a picture: choose one layer or one head",
                            down, across));
  return scale;
}

void draw(Picture& picture, std::int64_t left, std::int64_t top, const std::vector<float>& weights,
          std::int64_t queries, std::int64_t keys, Scale scale) {
  for (std::int64_t q = 0; q < queries; q += scale.pool)
    for (std::int64_t k = 0; k < keys; k += scale.pool) {
      float largest = 0.0f;
      for (std::int64_t i = q; i < std::min(q + scale.pool, queries); ++i)
        for (std::int64_t j = k; j < std::min(k + scale.pool, keys); ++j)
          largest = std::max(largest, weights[static_cast<std::size_t>(i * keys + j)]);
      for (std::int64_t y = 0; y < scale.cell; ++y) {
        const auto row = top + q / scale.pool * scale.cell + y;
        const auto first = picture.pixels.begin() + row * picture.width + left + k / scale.pool * scale.cell;
        std::fill(first, first + scale.cell, heat_pixel(largest));
      }
    }
}

std::string describe(const AttentionMaps& maps, const PngOptions& options) {
  const std::string down = options.layer ? fmt::format("layer {}", *options.layer)
                                         : fmt::format("layers 0 to {} from top to bottom", maps.layers - 1);
  const std::string across = options.mean   ? fmt::format("the mean of {} heads", maps.heads)
                             : options.head ? fmt::format("head {}", *options.head)
                                            : fmt::format("heads 0 to {} from left to right", maps.heads - 1);
  return fmt::format(
      "Attention weights: {}, {}. In each matrix a row is a query token and a column a key token; the colour "
      "follows "
      "the square root of the weight, the strongest colour is 1.",
      down, across);
}

}  // namespace

std::vector<std::byte> to_png(const AttentionMaps& maps, const PngOptions& options) {
  check(maps);
  if (options.cell < 0 || options.cell > 256)
    throw Error(
        fmt::format("a cell of {} pixels is not possible, 0 (automatic) to 256 are accepted", options.cell));
  const auto queries = static_cast<std::int64_t>(maps.queries.size());
  const auto keys = static_cast<std::int64_t>(maps.keys.size());
  // Before any arithmetic with the numbers of the options.
  head_weights(maps, options.layer.value_or(0), options.head);

  const auto rows = arrange(maps, options);
  const auto down = static_cast<std::int64_t>(rows.size()),
             across = static_cast<std::int64_t>(rows[0].size());
  const Scale scale = choose_scale(across, down, keys, queries, options.cell);
  Picture picture{
      static_cast<int>(side(across, keys, scale)), static_cast<int>(side(down, queries, scale)), {}};
  picture.pixels.assign(static_cast<std::size_t>(picture.width) * picture.height, kGround);
  for (std::int64_t y = 0; y < down; ++y)
    for (std::int64_t x = 0; x < across; ++x)
      draw(picture, kMargin + x * (scale.pixels(keys) + kGap), kMargin + y * (scale.pixels(queries) + kGap),
           head_weights(maps, rows[y][x].layer, rows[y][x].head), queries, keys, scale);

  std::vector<std::array<std::uint8_t, 3>> palette(256);
  palette[kGround] = options.theme == Theme::kLight ? std::array<std::uint8_t, 3>{255, 255, 255}
                                                    : std::array<std::uint8_t, 3>{16, 18, 24};
  const auto& heat = heat_colors(options.theme);
  for (int i = 1; i < 256; ++i) {
    const Rgb& color = heat[(i - 1) * 255 / 254];
    palette[i] = {color.red, color.green, color.blue};
  }
  return io::write_png(
      {.height = picture.height,
       .width = picture.width,
       .pixels = picture.pixels,
       .palette = std::move(palette),
       .notes = {{"Title", maps.title.empty() ? "Attention" : show_token(maps.title, TokenStyle::kText)},
                 {"Description", describe(maps, options)}}});
}

}  // namespace attend::explain
