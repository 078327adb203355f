#pragma once

#include <cstdint>

namespace attend::op {

/// A number for each axis of a picture; one number stands for both.
struct Size2 {
  std::int64_t height = 1, width = 1;

  constexpr Size2(std::int64_t both) : height(both), width(both) {}
  constexpr Size2(std::int64_t height_, std::int64_t width_) : height(height_), width(width_) {}
  bool operator==(const Size2&) const = default;
};

}  // namespace attend::op
