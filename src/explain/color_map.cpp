#include "attend/explain/color_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "attend/base/error.h"

namespace attend::explain {
namespace {

using Lab = std::array<double, 3>;

// The ends of the map, and how colourful it is between them. Lightness and chroma are OKLCH's; the hue is in
// degrees. All of the curve lies inside the sRGB gamut (a test checks that no channel is cut off).
struct Curve {
  double first_lightness, last_lightness;
  double first_chroma, last_chroma, middle_chroma;
  double hue;
};
constexpr Curve kLightCurve{0.975, 0.30, 0.008, 0.110, 0.115, 264.0};
constexpr Curve kDarkCurve{0.245, 0.93, 0.022, 0.040, 0.115, 264.0};

Lab point(const Curve& curve, double t) {
  const double lightness = curve.first_lightness + t * (curve.last_lightness - curve.first_lightness);
  const double chroma = curve.first_chroma + t * (curve.last_chroma - curve.first_chroma) +
                        4.0 * t * (1.0 - t) * curve.middle_chroma;
  const double angle = curve.hue * std::acos(-1.0) / 180.0;
  return {lightness, chroma * std::cos(angle), chroma * std::sin(angle)};
}

double distance(const Lab& x, const Lab& y) {
  return std::hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}

double to_linear(double channel) {
  return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
}

std::uint8_t from_linear(double channel) {
  const double encoded =
      channel <= 0.0031308 ? 12.92 * channel : 1.055 * std::pow(channel, 1.0 / 2.4) - 0.055;
  return static_cast<std::uint8_t>(std::lround(255.0 * std::clamp(encoded, 0.0, 1.0)));
}

// The matrices of Ottosson's definition, between linear sRGB, cone responses and OKLab.
Rgb to_rgb(const Lab& lab) {
  const double l = std::pow(lab[0] + 0.3963377774 * lab[1] + 0.2158037573 * lab[2], 3);
  const double m = std::pow(lab[0] - 0.1055613458 * lab[1] - 0.0638541728 * lab[2], 3);
  const double s = std::pow(lab[0] - 0.0894841775 * lab[1] - 1.2914855480 * lab[2], 3);
  return {from_linear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          from_linear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          from_linear(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

// Walks the curve in fine steps and places the 256 colours at equal distances along it.
std::array<Rgb, 256> sample(const Curve& curve) {
  constexpr int kSteps = 4096;
  std::vector<double> length(kSteps + 1, 0.0);
  for (int i = 1; i <= kSteps; ++i)
    length[i] = length[i - 1] +
                distance(point(curve, (i - 1.0) / kSteps), point(curve, static_cast<double>(i) / kSteps));
  std::array<Rgb, 256> colors;
  int step = 0;
  for (int i = 0; i < 256; ++i) {
    while (step < kSteps && length[step] < length[kSteps] * i / 255.0) ++step;
    colors[i] = to_rgb(point(curve, static_cast<double>(step) / kSteps));
  }
  return colors;
}

}  // namespace

const std::array<Rgb, 256>& heat_colors(Theme theme) {
  static const std::array<Rgb, 256> light = sample(kLightCurve), dark = sample(kDarkCurve);
  return theme == Theme::kLight ? light : dark;
}

int heat_index(float weight) {
  return static_cast<int>(std::lround(255.0f * std::sqrt(std::clamp(weight, 0.0f, 1.0f))));
}

Rgb class_color(std::int64_t label) {
  if (label < 0) throw Error(fmt::format("a colour for class {}; expected a class from 0", label));
  // Inside of the sRGB gamut at any hue.
  constexpr double kLightness = 0.75, kChroma = 0.124, kFirstHue = 264.0, kGoldenAngle = 137.50776405;
  const double hue = std::fmod(kFirstHue + kGoldenAngle * static_cast<double>(label), 360.0);
  const double angle = hue * std::acos(-1.0) / 180.0;
  return to_rgb({kLightness, kChroma * std::cos(angle), kChroma * std::sin(angle)});
}

std::array<double, 3> oklab(Rgb color) {
  const double r = to_linear(color.red / 255.0), g = to_linear(color.green / 255.0),
               b = to_linear(color.blue / 255.0);
  const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return {0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
          1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
          0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

}  // namespace attend::explain
