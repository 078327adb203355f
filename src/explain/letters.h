#pragma once

#include <cstdint>
#include <string_view>

#include "attend/explain/color_map.h"
#include "attend/io/image.h"

namespace attend::explain {

/// Of a letter, in its own pixels. Letters of a line are a pixel apart.
inline constexpr std::int64_t kLetterWidth = 5, kLetterHeight = 7;

/// The width of a line of UTF-8 in the letters' pixels.
std::int64_t text_width(std::string_view text);

/// Writes a line onto an RGB picture with its upper left corner at (row, column), each pixel of a letter as a
/// square of `size` pixels. What lies outside the picture is left out.
void write_text(io::Image& picture, std::string_view text, std::int64_t row, std::int64_t column,
                std::int64_t size, Rgb color);

}  // namespace attend::explain
