#include "data/augment_draw.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/base/error.h"

namespace attend::data {

double uniform(const RandomStream& random, std::uint64_t group, std::size_t i) {
  return random.words(group)[i] * 0x1p-32;
}

std::int64_t below(const RandomStream& random, std::uint64_t group, std::size_t i, std::int64_t bound) {
  return static_cast<std::int64_t>(random.words(group)[i] * static_cast<std::uint64_t>(bound) >> 32);
}

bool happens(double probability, const RandomStream& random) {
  check_range("a probability", probability, 0, 1);
  return uniform(random, 0, 0) < probability;
}

void check(const PartRange& range, std::string_view who) {
  if (range.least_area > 0 && range.least_area <= range.most_area && range.most_area <= 1 &&
      range.least_aspect > 0 && range.least_aspect <= range.most_aspect && std::isfinite(range.most_aspect))
    return;
  throw Error(
      fmt::format("{}: areas from {} to {} and aspects from {} to {}; expected 0 < least <= most, and areas "
                  "of at most 1",
                  who, range.least_area, range.most_area, range.least_aspect, range.most_aspect));
}

std::optional<Window> draw_part(std::int64_t height, std::int64_t width, const PartRange& range,
                                const RandomStream& random) {
  constexpr std::uint64_t kAttempts = 10;
  for (std::uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
    const double share =
        range.least_area + (range.most_area - range.least_area) * uniform(random, attempt, 0);
    const double area = static_cast<double>(height * width) * share;
    const double low = std::log(range.least_aspect), high = std::log(range.most_aspect);
    const double aspect = std::exp(low + (high - low) * uniform(random, attempt, 1));
    const double exact_width = std::round(std::sqrt(area * aspect)),
                 exact_height = std::round(std::sqrt(area / aspect));
    if (!(exact_width >= 1 && exact_width <= static_cast<double>(width) && exact_height >= 1 &&
          exact_height <= static_cast<double>(height)))
      continue;
    Window part{.height = static_cast<std::int64_t>(exact_height),
                .width = static_cast<std::int64_t>(exact_width)};
    part.top = below(random, attempt, 2, height - part.height + 1);
    part.left = below(random, attempt, 3, width - part.width + 1);
    return part;
  }
  return std::nullopt;
}

Color color_in(const io::Image& image, const Color& color) {
  if (image.channels == 3) return color;
  return {io::luma(color[0], color[1], color[2]), 0, 0};
}

void check_range(std::string_view name, double value, double least, double most) {
  if (value >= least && value <= most) return;
  throw Error(fmt::format("{} of {}; {} to {} is accepted", name, value, least, most));
}

}  // namespace attend::data
