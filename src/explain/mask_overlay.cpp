#include "attend/explain/mask_overlay.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/base/error.h"

namespace attend::explain {

io::Image mask_overlay(const io::Image& picture, const io::Image& mask,
                       std::span<const std::array<std::uint8_t, 3>> colors,
                       const MaskOverlayOptions& options) {
  io::check(picture);
  io::check(mask);
  if (mask.channels != 1 || mask.height != picture.height || mask.width != picture.width)
    throw Error(
        fmt::format("a mask of {} x {} x {} for a picture of {} x {}: one channel of the same size "
                    "needed",
                    mask.height, mask.width, mask.channels, picture.height, picture.width));
  if (!(options.opacity >= 0 && options.opacity <= 1))
    throw Error(fmt::format("opacity {}: 0 to 1 needed", options.opacity));
  io::Image result = io::with_channels(picture, 3);
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
    const std::uint8_t label = mask.pixels[i];
    if (label >= colors.size())
      throw Error(fmt::format("class {} in a mask, and {} colours", label, colors.size()));
    if (label == options.background) continue;
    for (std::size_t c = 0; c < 3; ++c) {
      std::uint8_t& value = result.pixels[3 * i + c];
      value = static_cast<std::uint8_t>(
          std::lround((1 - options.opacity) * value + options.opacity * colors[label][c]));
    }
  }
  return result;
}

}  // namespace attend::explain
