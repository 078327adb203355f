#pragma once

#include <cstdint>
#include <string_view>

#include "attend/base/random.h"
#include "attend/data/augment.h"

namespace attend::data {

constexpr std::int64_t kLongestSide = std::int64_t{1} << 20;

/// Word i of four of the stream's as a number in [0, 1).
double uniform(const RandomStream& random, std::uint64_t group, std::size_t i);

/// The same as a number in [0, bound), 0 < bound < 2^32.
std::int64_t below(const RandomStream& random, std::uint64_t group, std::size_t i, std::int64_t bound);

/// Ranges of a rectangle that is to be drawn.
struct PartRange {
  double least_area = 0, most_area = 0, least_aspect = 0, most_aspect = 0;
};

/// Throws Error unless 0 < least <= most, and for areas <= 1; `who` is what messages call the user of it.
void check(const PartRange& range, std::string_view who);

/// A window in a picture of these sizes whose area and aspect (width / height) are drawn; the first of ten
/// that fits, or none.
std::optional<Window> draw_part(std::int64_t height, std::int64_t width, const PartRange& range,
                                const RandomStream& random);

/// The fill as this picture has it: of a grey one, the first channel is its luma.
Color color_in(const io::Image& image, const Color& color);

/// Throws Error unless `value` is from `least` to `most`.
void check_range(std::string_view name, double value, double least, double most);

}  // namespace attend::data
