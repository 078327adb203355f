#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace attend::explain {

enum class TokenStyle {
  kLabel,  ///< Everything visible: newline as ↵, space as ·, tab as ⇥, an empty token as ∅.
  kText,   ///< For running text: spaces, tabs and newlines stay as they are.
  kQuote,  ///< For a line of text, between quotes: spaces stay, newline as \n, tab as \t.
  kAscii,  ///< As kLabel in ASCII alone: newline as \n, space as _, other characters as \u{e9}.
};

/// Text of a token that is safe to show: bytes that are not UTF-8 become \xNN, control characters \xNN, and
/// characters that change the direction or the look of their neighbours \u{202e}.
std::string show_token(std::string_view token, TokenStyle style);

/// Splits UTF-8 text into what occupies cells of a terminal: a character with the marks that combine with it.
struct Glyph {
  std::string text;
  int width;  ///< 1 or 2 cells
};
std::vector<Glyph> glyphs(std::string_view text);

/// Cells that the text occupies.
int display_width(std::string_view text);

/// The text cut to at most `width` cells, the last one being the mark `ellipsis` if anything was cut.
std::string fit(std::string_view text, int width, std::string_view ellipsis);

}  // namespace attend::explain
