#pragma once

#include <algorithm>
#include <cstdint>

#include "attend/explain/color_map.h"
#include "attend/io/image.h"

namespace attend::explain {

/// Rows from `top` to before `bottom`, columns from `left` to before `right`.
struct PixelRectangle {
  std::int64_t top = 0, left = 0, bottom = 0, right = 0;
};

/// Gives the pixels of an RGB picture this colour; what lies outside of it is left out.
inline void fill(io::Image& picture, const PixelRectangle& part, Rgb color) {
  for (std::int64_t y = std::max<std::int64_t>(part.top, 0); y < std::min(part.bottom, picture.height); ++y)
    for (std::int64_t x = std::max<std::int64_t>(part.left, 0); x < std::min(part.right, picture.width);
         ++x) {
      std::uint8_t* const pixel = picture.pixels.data() + (y * picture.width + x) * 3;
      pixel[0] = color.red, pixel[1] = color.green, pixel[2] = color.blue;
    }
}

}  // namespace attend::explain
