#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "attend/explain/attention_maps.h"
#include "attend/explain/color_map.h"

namespace attend::explain {

enum class ColorDepth { kNone, kAnsi256, kTrueColor };

struct TerminalOptions {
  std::optional<std::int64_t> layer = std::nullopt;  ///< counted from 0; empty: the last layer
  std::optional<std::int64_t> head = std::nullopt;   ///< counted from 0; empty: the mean over the heads
  int width = 80;                                    ///< columns that no line exceeds, at least 40
  int rows = 32;  ///< most tokens shown as rows; a longer text shows its last ones
  int top = 3;    ///< keys listed for each query below the matrix; 0: no list
  ColorDepth color = ColorDepth::kTrueColor;
  bool unicode = true;         ///< false: ASCII alone
  Theme theme = Theme::kDark;  ///< the ground of the terminal
};

/// Options that fit the terminal: no colour if `is_terminal` is false, if NO_COLOR is set and not empty
/// (https://no-color.org) or if TERM is "dumb" or unset; true colour if COLORTERM says "truecolor" or
/// "24bit"; ASCII unless LC_ALL, LC_CTYPE or LANG (the first that is set) names UTF-8; the theme from
/// COLORFGBG, dark if unset. Reads the environment and nothing else.
TerminalOptions terminal_options(bool is_terminal, int width);

/// A heat map of one head (or the mean over the heads of a layer) as lines of text that end in "\n": title,
/// legend, the matrix with a row for each query and a column for each key, and the `top` keys of each query.
/// A text that does not fit shows its last tokens, and a column "…" holds the weight on all earlier keys
/// together. Throws Error if `check(maps)` does, for a layer or head that does not exist and for a width
/// under 40.
std::string to_terminal(const AttentionMaps& maps, const TerminalOptions& options = {});

}  // namespace attend::explain
