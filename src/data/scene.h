#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "attend/data/augment.h"

/// What the changes of places share.
namespace attend::data {

/// Throws Error as they promise.
void check(const Scene& scene);
void check(const SceneOptions& options);
void check_sides(std::string_view who, std::int64_t height, std::int64_t width);

/// The boxes as far as they are in a picture of these sizes, without those of which too little is left.
std::vector<Box> clipped(std::vector<Box> boxes, std::int64_t height, std::int64_t width,
                         const SceneOptions& options);

/// The pixels (row, column) of another picture: `pixel(y, x)` is the first value of each in `image`, or null
/// for `fill`.
template <class Pixel>
io::Image gathered(const io::Image& image, std::int64_t height, std::int64_t width, const Color& fill,
                   const Pixel& pixel) {
  io::Image result{.height = height, .width = width, .channels = image.channels};
  result.pixels.resize(static_cast<std::size_t>(height * width * image.channels));
  std::uint8_t* out = result.pixels.data();
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const std::uint8_t* const in = pixel(y, x);
      for (std::int64_t c = 0; c < image.channels; ++c)
        *out++ = in != nullptr ? in[c] : fill[static_cast<std::size_t>(c)];
    }
  return result;
}

/// The first value of a pixel; null outside of the picture.
inline const std::uint8_t* pixel_at(const io::Image& image, std::int64_t y, std::int64_t x) {
  if (y < 0 || y >= image.height || x < 0 || x >= image.width) return nullptr;
  return image.pixels.data() + (y * image.width + x) * image.channels;
}

}  // namespace attend::data
