#pragma once

#include <cstdint>

namespace attend::op {

/// What a feature map has between its pixels.
enum class Interpolation : std::uint8_t {
  nearest,   ///< the value of the nearest pixel
  bilinear,  ///< the four pixels around, weighted by how near they are along each axis
};

}  // namespace attend::op
