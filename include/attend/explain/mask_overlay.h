#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "attend/io/image.h"

namespace attend::explain {

struct MaskOverlayOptions {
  double opacity = 0.5;  ///< of the colours, 0 to 1
  /// The class whose pixels stay as they are; -1: none.
  std::int64_t background = 0;
};

/// The picture in RGB under the translucent colour of each pixel's class. Throws Error unless io::check()
/// takes both, the mask has one channel and the picture's size, the opacity is in its range, and there is a
/// colour for each number in the mask.
io::Image mask_overlay(const io::Image& picture, const io::Image& mask,
                       std::span<const std::array<std::uint8_t, 3>> colors,
                       const MaskOverlayOptions& options = {});

}  // namespace attend::explain
