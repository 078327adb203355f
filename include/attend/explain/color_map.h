#pragma once

#include <array>
#include <cstdint>

namespace attend::explain {

struct Rgb {
  std::uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Rgb&) const = default;
};

/// Whether a picture stands on a light or on a dark ground.
enum class Theme { kLight, kDark };

/// 256 colours from "no attention" (almost the ground) to "all attention": one blue hue, with equal steps in
/// the OKLab colour space (B. Ottosson, "A perceptual color space for image processing", 2020), so that equal
/// differences in value look equally large. On a light ground more is darker, on a dark ground more is
/// brighter. The one colour map of the terminal, the page and the picture.
const std::array<Rgb, 256>& heat_colors(Theme theme);

/// Where on the colour map a weight in [0, 1] stands: round(255 sqrt(weight)). The square root keeps weights
/// of a few per cent, which carry most of the structure, apart from zero.
int heat_index(float weight);

/// A colour for each class, of one lightness in OKLab on which black letters can be read. The hues of classes
/// that follow each other are the golden angle (about 137.5 degrees) apart, so that those of the first n are
/// far from each other for any n. Throws Error for a label below 0.
Rgb class_color(std::int64_t label);

/// OKLab coordinates {L, a, b} of an sRGB colour, for measuring how different two colours look.
std::array<double, 3> oklab(Rgb color);

}  // namespace attend::explain
