#include "explain/paint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace attend::explain {
namespace {

// Neighbours in the whole palette differ in hue, which would read as a difference in kind.
constexpr std::array kBlues{234, 17, 18, 19, 20, 25, 26, 69, 111, 153, 255};

std::array<int, 256> nearest_blues(Theme theme) {
  std::array<int, 256> table;
  for (int i = 0; i < 256; ++i) {
    const auto wanted = oklab(heat_colors(theme)[i]);
    const auto distance = [&](int entry) {
      const auto lab = oklab(ansi256_color(entry));
      return std::hypot(lab[0] - wanted[0], lab[1] - wanted[1], lab[2] - wanted[2]);
    };
    table[i] = *std::min_element(kBlues.begin(), kBlues.end(),
                                 [&](int x, int y) { return distance(x) < distance(y); });
  }
  return table;
}

constexpr std::string_view kReset = "\x1b[0m";

}  // namespace

Rgb ansi256_color(int entry) {
  if (entry >= 232) {
    const auto grey = static_cast<std::uint8_t>(8 + 10 * (entry - 232));
    return {grey, grey, grey};
  }
  const auto level = [](int step) { return static_cast<std::uint8_t>(step == 0 ? 0 : 55 + 40 * step); };
  return {level((entry - 16) / 36), level((entry - 16) / 6 % 6), level((entry - 16) % 6)};
}

int ansi256_heat(Theme theme, int index) {
  static const std::array<int, 256> light = nearest_blues(Theme::kLight), dark = nearest_blues(Theme::kDark);
  return (theme == Theme::kLight ? light : dark)[static_cast<std::size_t>(index)];
}

std::string Paint::background(float weight) const {
  const int index = heat_index(weight);
  if (options_.color == ColorDepth::kAnsi256)
    return fmt::format("\x1b[48;5;{}m", ansi256_heat(options_.theme, index));
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
  const int index = heat_index(weight);
  const Rgb ground = options_.color == ColorDepth::kAnsi256
                         ? ansi256_color(ansi256_heat(options_.theme, index))
                         : heat_colors(options_.theme)[index];
  const bool light_ground = oklab(ground)[0] > 0.62;
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
