#include "explain/token_text.h"

#include <fmt/format.h>
#include <utf8proc.h>

namespace attend::explain {
namespace {

// The code point at the start of `text` and its length in bytes; length 0 if the bytes are not UTF-8.
struct CodePoint {
  utf8proc_int32_t value;
  int length;
};

CodePoint decode(std::string_view text) {
  utf8proc_int32_t value = -1;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &value);
  if (length <= 0 || value < 0) return {-1, 0};
  return {value, static_cast<int>(length)};
}

bool is_invisible(utf8proc_int32_t c) {
  constexpr utf8proc_int32_t kZeroWidthJoiner = 0x200D;  // holds the parts of an emoji together
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CF:
      return c != kZeroWidthJoiner;
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
      return true;
    default:
      return false;
  }
}

std::string show(CodePoint point, std::string_view bytes, TokenStyle style) {
  const utf8proc_int32_t c = point.value;
  if (style == TokenStyle::kText && (c == ' ' || c == '\n' || c == '\t')) return std::string(bytes);
  const bool ascii = style == TokenStyle::kAscii, escapes = ascii || style == TokenStyle::kQuote;
  if (style == TokenStyle::kQuote && c == ' ') return " ";
  if (c == '\n') return escapes ? "\\n" : "↵";
  if (c == '\t') return escapes ? "\\t" : "⇥";
  if (c == '\r') return escapes ? "\\r" : "␍";
  if (c == ' ') return ascii ? "_" : "·";
  if (c == 0xA0 && style == TokenStyle::kLabel) return "⍽";
  if (c < 0x20 || c == 0x7F) return fmt::format("\\x{:02x}", c);
  if ((c >= 0x80 && c < 0xA0) || is_invisible(c) || (ascii && c > 0x7F)) return fmt::format("\\u{{{:x}}}", c);
  return std::string(bytes);
}

}  // namespace

std::string show_token(std::string_view token, TokenStyle style) {
  if (token.empty() && style == TokenStyle::kQuote) return "";
  if (token.empty()) return style == TokenStyle::kAscii ? "(empty)" : "∅";
  std::string shown;
  while (!token.empty()) {
    const CodePoint point = decode(token);
    if (point.length == 0) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(token.front()));
      token.remove_prefix(1);
    } else {
      shown += show(point, token.substr(0, point.length), style);
      token.remove_prefix(point.length);
    }
  }
  return shown;
}

std::vector<Glyph> glyphs(std::string_view text) {
  std::vector<Glyph> result;
  while (!text.empty()) {
    const CodePoint point = decode(text);
    const int length = point.length == 0 ? 1 : point.length;
    const int width = point.length == 0 ? 1 : utf8proc_charwidth(point.value);
    if (width == 0 && !result.empty())
      result.back().text += text.substr(0, length);
    else if (width == 0)
      result.push_back({"◌" + std::string(text.substr(0, length)), 1});
    else
      result.push_back({std::string(text.substr(0, length)), width > 1 ? 2 : 1});
    text.remove_prefix(length);
  }
  return result;
}

int display_width(std::string_view text) {
  int width = 0;
  for (const Glyph& glyph : glyphs(text)) width += glyph.width;
  return width;
}

std::string fit(std::string_view text, int width, std::string_view ellipsis) {
  if (display_width(text) <= width) return std::string(text);
  std::string result;
  int used = display_width(ellipsis);
  for (const Glyph& glyph : glyphs(text)) {
    if (used + glyph.width > width) break;
    result += glyph.text;
    used += glyph.width;
  }
  return result.append(ellipsis);
}

}  // namespace attend::explain
