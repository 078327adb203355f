#pragma once

#include <string>
#include <string_view>

#include "attend/explain/terminal.h"

namespace attend::explain {

/// How a weight becomes a cell of a terminal: a colour where there are colours, else a shade of grey made of
/// characters. Each call returns text that leaves the terminal's settings as they were.
class Paint {
 public:
  explicit Paint(const TerminalOptions& options) : options_(options) {}

  /// `width` cells filled according to the weight.
  std::string cell(float weight, int width) const;

  /// Text on the colour of the weight, in a colour that can be read on it. Without colours, the text alone.
  std::string chip(std::string_view text, float weight) const;

  std::string bold(std::string_view text) const { return style("1", text); }
  std::string dim(std::string_view text) const { return style("2", text); }

 private:
  std::string style(const char* code, std::string_view text) const;
  std::string background(float weight) const;
  TerminalOptions options_;
};

/// Entry of xterm's 256-colour palette for an index of the colour map: of the few blues and greys that make
/// an even scale there, the one that looks most like the colour of the map.
int ansi256_heat(Theme theme, int index);

/// The colour of entry 16 to 255 of xterm's palette: a cube of 6 x 6 x 6 colours, then 24 greys. (The first
/// sixteen are the user's own.)
Rgb ansi256_color(int entry);

}  // namespace attend::explain
