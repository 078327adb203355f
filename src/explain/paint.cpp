#include "explain/paint.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

namespace attend::explain {
namespace {

// The colour of entry i >= 16 of xterm's palette.
Rgb ansi256_color(int i) {
  if (i >= 232) {
    const auto grey = static_cast<std::uint8_t>(8 + 10 * (i - 232));
    return {grey, grey, grey};
  }
  const auto level = [](int step) { return static_cast<std::uint8_t>(step == 0 ? 0 : 55 + 40 * step); };
  return {level((i - 16) / 36), level((i - 16) / 6 % 6), level((i - 16) % 6)};
}

const std::array<int, 256>& ansi256_heat(Theme theme) {
  const auto make = [](Theme t) {
    std::array<int, 256> table;
    for (int i = 0; i < 256; ++i) table[i] = nearest_ansi256(heat_colors(t)[i]);
    return table;
  };
  static const std::array<int, 256> light = make(Theme::kLight), dark = make(Theme::kDark);
  return theme == Theme::kLight ? light : dark;
}

constexpr std::string_view kReset = "\x1b[0m";

}  // namespace

int nearest_ansi256(Rgb color) {
  const auto wanted = oklab(color);
  int best = 16;
  double best_distance = std::numeric_limits<double>::infinity();
  for (int i = 16; i < 256; ++i) {
    const auto lab = oklab(ansi256_color(i));
    const double distance = std::hypot(lab[0] - wanted[0], lab[1] - wanted[1], lab[2] - wanted[2]);
    if (distance < best_distance) {
      best_distance = distance;
      best = i;
    }
  }
  return best;
}

std::string Paint::background(float weight) const {
  const int index = heat_index(weight);
  if (options_.color == ColorDepth::kAnsi256)
    return fmt::format("\x1b[48;5;{}m", ansi256_heat(options_.theme)[index]);
  const Rgb color = heat_colors(options_.theme)[index];
  return fmt::format("\x1b[48;2;{};{};{}m", color.red, color.green, color.blue);
}

std::string Paint::cell(float weight, int width) const {
  if (options_.color != ColorDepth::kNone) return background(weight) + std::string(width, ' ').append(kReset);
  // The first shade is not blank, so that a weight near zero differs from a key that must not be seen.
  static constexpr std::array<std::string_view, 5> kUnicodeShades{"·", "░", "▒", "▓", "█"};
  static constexpr std::array<std::string_view, 9> kAsciiShades{".", ":", "-", "=", "+", "*", "#", "%", "@"};
  const float level = static_cast<float>(heat_index(weight)) / 255.0f;
  std::string result;
  const auto fill = [&](const auto& shades) {
    const auto last = static_cast<float>(shades.size() - 1);
    const auto shade = shades[static_cast<std::size_t>(std::lround(level * last))];
    for (int i = 0; i < width; ++i) result += shade;
  };
  if (options_.unicode)
    fill(kUnicodeShades);
  else
    fill(kAsciiShades);
  return result;
}

std::string Paint::chip(std::string_view text, float weight) const {
  if (options_.color == ColorDepth::kNone) return std::string(text);
  const bool light_ground = oklab(heat_colors(options_.theme)[heat_index(weight)])[0] > 0.62;
  const std::string ink = options_.color == ColorDepth::kAnsi256
                              ? (light_ground ? "\x1b[38;5;16m" : "\x1b[38;5;231m")
                          : light_ground ? "\x1b[38;2;16;20;32m"
                                         : "\x1b[38;2;240;243;250m";
  return background(weight) + ink + std::string(text).append(kReset);
}

std::string Paint::style(const char* code, std::string_view text) const {
  if (options_.color == ColorDepth::kNone) return std::string(text);
  return fmt::format("\x1b[{}m{}{}", code, text, kReset);
}

}  // namespace attend::explain
