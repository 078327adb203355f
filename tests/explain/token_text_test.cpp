#include "explain/token_text.h"

#include <gtest/gtest.h>

namespace attend::explain {
namespace {

TEST(TokenTextTest, SpacesAndNewlinesAreVisibleInLabels) {
  EXPECT_EQ(show_token(" the\n", TokenStyle::kLabel), "·the↵");
  EXPECT_EQ(show_token("\t\r", TokenStyle::kLabel), "⇥␍");
  EXPECT_EQ(show_token("", TokenStyle::kLabel), "∅");
  EXPECT_EQ(show_token("\xC2\xA0", TokenStyle::kLabel), "⍽");
}

TEST(TokenTextTest, RunningTextKeepsThem) {
  EXPECT_EQ(show_token(" the\n\t", TokenStyle::kText), " the\n\t");
  EXPECT_EQ(show_token("\r", TokenStyle::kText), "␍");
  EXPECT_EQ(show_token(" caf\xC3\xA9\n\t\x01\xFF", TokenStyle::kQuote), " caf\xC3\xA9\\n\\t\\x01\\xff");
  EXPECT_EQ(show_token("", TokenStyle::kQuote), "");
}

TEST(TokenTextTest, AsciiHasNothingElse) {
  EXPECT_EQ(show_token(" caf\xC3\xA9\n", TokenStyle::kAscii), "_caf\\u{e9}\\n");
  EXPECT_EQ(show_token("", TokenStyle::kAscii), "(empty)");
}

TEST(TokenTextTest, BytesThatAreNotUtf8AreShownInHexadecimal) {
  for (const auto style : {TokenStyle::kLabel, TokenStyle::kText, TokenStyle::kAscii}) {
    EXPECT_EQ(show_token("\xE2\x80", style), "\\xe2\\x80");
    EXPECT_EQ(show_token("a\xFFz", style), "a\\xffz");
    EXPECT_EQ(show_token("\xC0\x80", style), "\\xc0\\x80") << "overlong zero";
    EXPECT_EQ(show_token("\xED\xA0\x80", style), "\\xed\\xa0\\x80") << "surrogate";
  }
}

TEST(TokenTextTest, ControlAndInvisibleCharactersCannotActOnTheTerminal) {
  EXPECT_EQ(show_token("\x1b[31m", TokenStyle::kLabel), "\\x1b[31m");
  EXPECT_EQ(show_token(std::string_view("\0", 1), TokenStyle::kText), "\\x00");
  EXPECT_EQ(show_token("\xC2\x9B", TokenStyle::kLabel), "\\u{9b}") << "a one-byte escape of some terminals";
  EXPECT_EQ(show_token("\xE2\x80\xAE", TokenStyle::kText), "\\u{202e}") << "right-to-left override";
}

TEST(TokenTextTest, WidthCountsCells) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("中文"), 4);
  EXPECT_EQ(display_width("e\xCC\x81"), 1);
  EXPECT_EQ(glyphs("e\xCC\x81x").size(), 2u);
  EXPECT_EQ(display_width("\xCC\x81"), 1) << "a mark alone stands on a dotted circle";
}

TEST(TokenTextTest, FitCutsAtCharacters) {
  EXPECT_EQ(fit("wisdom", 6, "…"), "wisdom");
  EXPECT_EQ(fit("wisdom", 4, "…"), "wis…");
  EXPECT_EQ(fit("中文字", 4, "…"), "中…");
}

}  // namespace
}  // namespace attend::explain
