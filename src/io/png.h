#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace attend::io {

/// What is written as a PNG file of 8 bits a channel.
struct PngContent {
  std::int64_t height = 0, width = 0;
  /// 3: RGB; 1: grey, or with a palette the number of a colour.
  int channels = 1;
  /// height x width x channels values, row-major.
  std::span<const std::uint8_t> pixels = {};
  /// At most 256 colours.
  std::vector<std::array<std::uint8_t, 3>> palette = {};
  /// Key and text in UTF-8, which viewers show beside the picture.
  std::vector<std::array<std::string, 2>> notes = {};
};

/// Throws Error when libpng refuses it: a side of more than 1,000,000 pixels, or no memory.
std::vector<std::byte> write_png(PngContent content);

}  // namespace attend::io
