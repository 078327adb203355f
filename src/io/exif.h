#pragma once

#include <cstdint>
#include <span>

#include "attend/io/image.h"

namespace attend::io {

/// The orientation, 1 to 8, that EXIF data (a TIFF header and its first folder of tags) names; 1, which is
/// upright, when it names none or is damaged, as it is no part of the picture.
int exif_orientation(std::span<const std::uint8_t> tiff);

/// A stored picture as it is to be seen. Orientation as in EXIF (JEITA CP-3451, tag 0x0112): 6 is turned by
/// 90 degrees clockwise to be seen, 8 by 90 degrees counter-clockwise, 5 and 7 are mirrored too.
Image oriented(Image image, int orientation);

}  // namespace attend::io
