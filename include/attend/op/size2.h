#pragma once

#include <cstdint>

namespace attend::op {

/// A number for each axis of a picture; one number stands for both.
struct Size2 {
  std::int64_t height = 1, width = 1;

  // Not explicit: options say `.stride = 2`.
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr Size2(std::int64_t both) : height(both), width(both) {}
  constexpr Size2(std::int64_t down, std::int64_t across) : height(down), width(across) {}
  bool operator==(const Size2&) const = default;
};

}  // namespace attend::op
