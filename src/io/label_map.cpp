#include "attend/io/label_map.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "io/png.h"
#include "io/stored_image.h"

namespace attend::io {

namespace {

using Colors = std::array<std::array<std::uint8_t, 3>, 256>;

Colors make_colors() {
  Colors colors{};
  for (std::size_t i = 0; i < colors.size(); ++i)
    for (std::size_t bit = 0; bit < 8; ++bit)
      colors[i][bit % 3] |= static_cast<std::uint8_t>((i >> bit & 1) << (7 - bit / 3));
  return colors;
}

}  // namespace

Image decode_label_map(std::span<const std::byte> bytes, std::string_view name,
                       const ReadImageOptions& options) {
  constexpr std::array<std::uint8_t, 4> kPng = {0x89, 'P', 'N', 'G'};
  bool is_png = bytes.size() >= kPng.size();
  for (std::size_t i = 0; is_png && i < kPng.size(); ++i)
    is_png = std::to_integer<std::uint8_t>(bytes[i]) == kPng[i];
  if (!is_png) fail_image(name, "it is no PNG picture, as masks are");
  Image map = decode_png_labels(bytes, name, options);
  check(map);
  return map;
}

Image read_label_map(const std::filesystem::path& path, const ReadImageOptions& options) {
  const std::string content = read_file(path, options.max_bytes);
  return decode_label_map(std::as_bytes(std::span(content)), path.string(), options);
}

std::vector<std::byte> encode_label_map(const Image& map,
                                        std::span<const std::array<std::uint8_t, 3>> colors) {
  check(map);
  if (map.channels != 1) throw Error(fmt::format("a mask of {} channels: one needed", map.channels));
  if (colors.size() > 256) throw Error(fmt::format("a palette of {} colours: at most 256", colors.size()));
  for (const std::uint8_t number : map.pixels)
    if (number >= colors.size())
      throw Error(fmt::format("a mask with the number {}, and {} colours", number, colors.size()));
  return write_png({.height = map.height,
                    .width = map.width,
                    .channels = 1,
                    .pixels = map.pixels,
                    .palette = {colors.begin(), colors.end()}});
}

const std::array<std::array<std::uint8_t, 3>, 256>& label_colors() {
  static const Colors colors = make_colors();
  return colors;
}

}  // namespace attend::io
