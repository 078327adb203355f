#include "attend/explain/terminal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <regex>
#include <sstream>

#include "attend/base/error.h"
#include "explain/synthetic.h"
#include "explain/token_text.h"

namespace attend::explain {
namespace {

std::string without_colors(const std::string& text) {
  return std::regex_replace(text, std::regex("\x1b\\[[0-9;]*m"), "");
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

AttentionMaps three_words() {
  AttentionMaps maps;
  maps.queries = maps.keys = {"a", " b", "\n"};
  maps.layers = maps.heads = 1;
  maps.weights = {1, 0, 0, 0.25f, 0.75f, 0, 0, 0.5f, 0.5f};
  maps.title = "toy";
  return maps;
}

TEST(TerminalTest, WholePictureInAscii) {
  EXPECT_EQ(to_terminal(three_words(), {.color = ColorDepth::kNone, .unicode = false}),
            "\n"
            "  toy - layer 0 of 1, its only head\n"
            "  Each row shows where its token looks; denser = more.  0 .:-=*#%@ 100 %\n"
            "\n"
            "       _ \\\n"
            "     a b n\n"
            "   a @@\n"
            "  _b ++%%\n"
            "  \\n ..####\n"
            "\n"
            "  Where each token looks most  -2 = two tokens earlier\n"
            "   a  a itself   100 %\n"
            "  _b  _b itself   75 %  a -1        25 %\n"
            "  \\n  \\n itself   50 %  _b -1       50 %\n");
}

TEST(TerminalTest, ColoursAreThoseOfTheColourMap) {
  const std::string text = to_terminal(three_words(), {.theme = Theme::kLight});
  const Rgb color = heat_colors(Theme::kLight)[heat_index(0.75f)];
  const std::string expected = "\x1b[48;2;" + std::to_string(color.red) + ";" + std::to_string(color.green) +
                               ";" + std::to_string(color.blue) + "m  \x1b[0m";
  EXPECT_NE(text.find(expected), std::string::npos);
  EXPECT_NE(to_terminal(three_words(), {.color = ColorDepth::kAnsi256}).find("\x1b[48;5;"),
            std::string::npos);
}

TEST(TerminalTest, WithoutColourNothingIsEscaped) {
  for (const bool unicode : {false, true}) {
    const auto text =
        to_terminal(synthetic_maps(words(), 2, 2), {.color = ColorDepth::kNone, .unicode = unicode});
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    const bool ascii =
        std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
    EXPECT_EQ(ascii, !unicode);
  }
}

TEST(TerminalTest, HostileTokensCannotActOnTheTerminal) {
  AttentionMaps maps = synthetic_maps({"\x1b[2J", "\r", "\b", "\xE2\x80\xAE", "\xFF", "中"}, 1, 1);
  maps.title = "\x1b]0;owned\x07 \n title";
  const std::string text = without_colors(to_terminal(maps));
  for (const char c : text)
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << static_cast<int>(c);
  EXPECT_EQ(text.find("\xE2\x80\xAE"), std::string::npos);
  EXPECT_NE(text.find("\\xff"), std::string::npos);
}

TEST(TerminalTest, NoLineIsWiderThanAsked) {
  std::vector<std::string> many;
  for (int i = 0; i < 200; ++i)
    many.push_back(words()[static_cast<std::size_t>(i) % 31] + std::string(i % 40, 'x'));
  AttentionMaps maps = synthetic_maps(many, 1, 2);
  maps.title = std::string(300, 't');
  for (const int width : {40, 57, 80, 132, 300}) {
    for (const bool unicode : {false, true}) {
      const auto text = to_terminal(maps, {.width = width, .unicode = unicode});
      for (const auto& line : lines(without_colors(text))) EXPECT_LE(display_width(line), width) << line;
    }
  }
  EXPECT_THROW(to_terminal(maps, {.width = 39}), Error);
}

TEST(TerminalTest, LongTextShowsItsLastTokensAndTheRestInOneColumn) {
  std::vector<std::string> many(100, "x");
  AttentionMaps maps = synthetic_maps(many, 1, 1);
  std::fill(maps.weights.begin(), maps.weights.end(), 0.0f);
  for (int q = 0; q < 100; ++q) maps.weights[static_cast<std::size_t>(q) * 100] = 1.0f;
  const auto text = to_terminal(maps, {.width = 60, .rows = 5, .top = 0, .color = ColorDepth::kNone});
  EXPECT_NE(text.find("the first 95 rows are left out"), std::string::npos);
  EXPECT_NE(text.find("… = the 73 earlier ones"), std::string::npos) << text;
  const auto shown = lines(text);
  EXPECT_EQ(
      std::count_if(shown.begin(), shown.end(), [](const auto& line) { return line.starts_with("  x ██"); }),
      5)
      << text;
}

TEST(TerminalTest, EveryCellIsDrawnOnceForEachQueryAndAllowedKey) {
  const auto maps = synthetic_maps(words(), 1, 1);
  const auto text = to_terminal(maps, {.width = 100, .top = 0});
  std::size_t cells = 0;
  for (auto at = text.find("m  \x1b[0m"); at != std::string::npos; at = text.find("m  \x1b[0m", at + 1))
    ++cells;
  EXPECT_EQ(cells, 31u * 32u / 2u);
}

// Sets environment variables and puts the old ones back.
class TerminalOptionsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : kNames) {
      if (const char* value = std::getenv(name)) old_[name] = value;
      unsetenv(name);
    }
  }
  void TearDown() override {
    for (const char* name : kNames) {
      unsetenv(name);
      if (old_.count(name)) setenv(name, old_[name].c_str(), 1);
    }
  }
  static constexpr const char* kNames[] = {"NO_COLOR", "TERM", "COLORTERM", "LC_ALL",
                                           "LC_CTYPE", "LANG", "COLORFGBG"};
  std::map<std::string, std::string> old_;
};

TEST_F(TerminalOptionsTest, ColoursFollowTheTerminal) {
  EXPECT_EQ(terminal_options(true, 80).color, ColorDepth::kNone) << "no TERM";
  setenv("TERM", "xterm-256color", 1);
  EXPECT_EQ(terminal_options(true, 80).color, ColorDepth::kAnsi256);
  setenv("COLORTERM", "truecolor", 1);
  EXPECT_EQ(terminal_options(true, 80).color, ColorDepth::kTrueColor);
  EXPECT_EQ(terminal_options(false, 80).color, ColorDepth::kNone) << "a file or a pipe";
  setenv("NO_COLOR", "", 1);
  EXPECT_EQ(terminal_options(true, 80).color, ColorDepth::kTrueColor) << "empty counts as unset";
  setenv("NO_COLOR", "1", 1);
  EXPECT_EQ(terminal_options(true, 80).color, ColorDepth::kNone);
  unsetenv("NO_COLOR");
  setenv("TERM", "dumb", 1);
  EXPECT_EQ(terminal_options(true, 80).color, ColorDepth::kNone);
}

TEST_F(TerminalOptionsTest, UnicodeFollowsTheLocale) {
  EXPECT_FALSE(terminal_options(true, 80).unicode);
  setenv("LANG", "de_DE.UTF-8", 1);
  EXPECT_TRUE(terminal_options(true, 80).unicode);
  setenv("LC_CTYPE", "C.utf8", 1);
  EXPECT_TRUE(terminal_options(true, 80).unicode);
  setenv("LC_ALL", "C", 1);
  EXPECT_FALSE(terminal_options(true, 80).unicode);
}

TEST_F(TerminalOptionsTest, ThemeFollowsTheGround) {
  EXPECT_EQ(terminal_options(true, 80).theme, Theme::kDark);
  setenv("COLORFGBG", "0;15", 1);
  EXPECT_EQ(terminal_options(true, 80).theme, Theme::kLight);
  setenv("COLORFGBG", "15;default;0", 1);
  EXPECT_EQ(terminal_options(true, 80).theme, Theme::kDark);
  EXPECT_EQ(terminal_options(true, 3).width, 40);
}

}  // namespace
}  // namespace attend::explain
