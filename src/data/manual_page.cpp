#include "data/manual_page.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "data/utf8.h"

namespace attend::data {
namespace {

std::string utf8_text(std::string_view text) {
  if (find_invalid_utf8(text) == std::string_view::npos) return std::string(text);
  std::string result;
  for (const char c : text) result += utf8_of(static_cast<unsigned char>(c));
  return result;
}

bool is_code_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_word_character(char c) {
  return is_code_character(c) || (c >= 'a' && c <= 'z') || c == '_';
}

/// What the special characters of two and more letters stand for (groff_char(7)); those that are not here,
/// such as bullets, are left out.
std::string_view special_character(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 26> kCharacters = {{
      {"em", "—"},  {"en", "–"},  {"hy", "-"},  {"mi", "-"}, {"aq", "'"}, {"oq", "'"}, {"cq", "'"},
      {"dq", "\""}, {"lq", "\""}, {"rq", "\""}, {"ga", "`"}, {"ha", "^"}, {"ti", "~"}, {"rs", "\\"},
      {"at", "@"},  {"sh", "#"},  {"bv", "|"},  {"sl", "/"}, {"mu", "×"}, {"+-", "±"}, {"<=", "≤"},
      {">=", "≥"},  {"!=", "≠"},  {"->", "→"},  {"if", "∞"}, {"mc", "µ"},
  }};
  for (const auto& [key, value] : kCharacters)
    if (key == name) return value;
  return {};
}

/// Takes a line of roff apart.
class LineScanner {
 public:
  explicit LineScanner(std::string_view line) : line_(line) {}

  std::string text() {
    std::string result;
    while (at_ < line_.size() && !comment_) {
      const char c = line_[at_++];
      if (c == '\\')
        result += escape();
      else
        result += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c;
    }
    return result;
  }

 private:
  char next() { return at_ < line_.size() ? line_[at_++] : '\0'; }

  /// "x", "(xx" or "[name]", as names of fonts, strings and characters are given.
  std::string_view name() {
    const char first = next();
    if (first == '(') return take(2);
    if (first != '[') return line_.substr(at_ > 0 ? at_ - 1 : 0, first == '\0' ? 0 : 1);
    const std::size_t end = std::min(line_.find(']', at_), line_.size());
    const std::string_view result = line_.substr(at_, end - at_);
    at_ = std::min(end + 1, line_.size());
    return result;
  }

  std::string_view take(std::size_t count) {
    const std::string_view result = line_.substr(at_, count);
    at_ += result.size();
    return result;
  }

  /// "'...'", with any character for a quote.
  void skip_quoted() {
    const char quote = next();
    at_ = std::min(line_.find(quote, at_), line_.size() - 1) + 1;
  }

  /// "\s0", "\s-1", "\s+12", "\s'10'".
  void skip_size() {
    char first = next();
    if (first == '+' || first == '-') first = next();
    if (first == '\'') {
      --at_;
      skip_quoted();
    } else if (first == '(' || first == '[') {
      --at_;
      name();
    } else if (first >= '1' && first <= '3' && at_ < line_.size() && line_[at_] >= '0' && line_[at_] <= '9') {
      ++at_;  // sizes up to 39 may have two digits
    }
  }

  std::string escape() {
    constexpr std::string_view kNamed = "fFgkmMnVY", kQuoted = "ABbCDhHlLNoRSvwxXZ", kSpaces = " ~0t";
    const char kind = next();
    if (kind == '\0') return "";
    if (kSpaces.find(kind) != std::string_view::npos) return " ";
    if (kind == '-') return "-";
    if (kind == 'e' || kind == '\\') return "\\";
    if (kind == '\'' || kind == '`' || kind == '.') return std::string(1, kind);
    if (kind == '"' || kind == '#') comment_ = true;
    if (kind == 's') skip_size();
    if (kind == '(' || kind == '[') {
      --at_;
      return std::string(special_character(name()));
    }
    // The predefined strings \*(lq and \*(rq are quotes as the characters are.
    if (kind == '*') return std::string(special_character(name()));
    if (kNamed.find(kind) != std::string_view::npos) name();
    if (kQuoted.find(kind) != std::string_view::npos) skip_quoted();
    return "";  // nothing to be seen: \&, \/, \c, \: ...
  }

  std::string_view line_;
  std::size_t at_ = 0;
  bool comment_ = false;
};

std::string on_one_line(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c != ' ' || (!result.empty() && result.back() != ' ')) result += c;
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

/// A line that calls a macro, as its name and what follows; the name of a line of text is empty.
struct Line {
  std::string_view macro, rest;
};

Line line_of(std::string_view line) {
  if (!line.starts_with('.') && !line.starts_with('\'')) return {.macro = {}, .rest = line};
  const std::size_t begin = std::min(line.find_first_not_of(" \t", 1), line.size());
  if (begin == line.size()) return {.macro = ".", .rest = {}};  // does nothing
  const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
  return {.macro = line.substr(begin, end - begin),
          .rest = line.substr(std::min(line.find_first_not_of(" \t", end), line.size()))};
}

bool is_comment(const Line& line) {
  const std::string_view begin = line.macro.empty() ? line.rest : line.macro;
  return begin.starts_with("\\\"") || begin.starts_with("\\#");
}

/// The arguments of a macro: words, or "several words" with "" for a quote; a backslash takes the next
/// character along. A comment ends them.
std::vector<std::string> arguments(std::string_view rest) {
  std::vector<std::string> result;
  std::size_t at = 0;
  while ((at = rest.find_first_not_of(" \t", at)) < rest.size()) {
    const bool quoted = rest[at] == '"';
    if (quoted) ++at;
    std::string argument;
    for (; at < rest.size(); ++at) {
      const char c = rest[at];
      if (c == '\\' && at + 1 < rest.size()) {
        if (rest[at + 1] == '"') {
          at = rest.size();
          break;
        }
        argument += c;
        argument += rest[++at];
      } else if (quoted && c == '"') {
        if (rest.substr(at + 1).starts_with('"')) {
          ++at;
          argument += c;
        } else {
          ++at;
          break;
        }
      } else if (!quoted && (c == ' ' || c == '\t')) {
        break;
      } else {
        argument += c;
      }
    }
    if (quoted || !argument.empty()) result.push_back(std::move(argument));
  }
  return result;
}

/// What a macro for fonts says: its arguments, with no space between them where fonts alternate.
std::optional<std::string> font_text(const Line& line) {
  constexpr std::array<std::string_view, 4> kOne = {"B", "I", "SM", "SB"};
  constexpr std::array<std::string_view, 6> kTwo = {"BI", "BR", "IB", "IR", "RB", "RI"};
  const bool one = std::ranges::find(kOne, line.macro) != kOne.end();
  if (!one && std::ranges::find(kTwo, line.macro) == kTwo.end()) return std::nullopt;
  std::string text;
  for (const std::string& argument : arguments(line.rest)) {
    if (one && !text.empty()) text += ' ';
    text += LineScanner(argument).text();
  }
  return text;
}

/// The code that a tag begins with; empty when there is none.
std::string code_of(std::string_view tag) {
  std::size_t end = 0;
  while (end < tag.size() && is_code_character(tag[end])) ++end;
  const bool whole = end == tag.size() || !is_word_character(tag[end]);
  return whole && end > 2 && tag[0] == 'E' ? std::string(tag.substr(0, end)) : std::string();
}

/// Follows a page line by line.
class PageReader {
 public:
  void read(std::string_view text) {
    const Line line = line_of(text);
    if (is_comment(line)) return;
    is_page_ = is_page_ || line.macro == "TH" || line.macro == "Dt" || line.macro == "so";
    if (line.macro == "SH") {
      finish();
      const std::vector<std::string> words = arguments(line.rest);
      in_errors_ = words.size() == 1 && plain_text(words[0]) == "ERRORS";
    } else if (in_errors_) {
      read_error(line);
    }
  }

  std::optional<ManualPage> page() {
    finish();
    if (!is_page_) return std::nullopt;
    return std::move(page_);
  }

 private:
  enum class Expect : std::uint8_t { text, tag, other_tag };

  void read_error(const Line& line) {
    if (line.macro == "EX" || line.macro == "nf") {
      verbatim_ = true;
    } else if (line.macro == "EE" || line.macro == "fi") {
      verbatim_ = false;
    } else if (line.macro == "TP") {
      finish();
      expect_ = Expect::tag;
    } else if (line.macro == "TQ") {
      expect_ = Expect::other_tag;
    } else if (line.macro == "PP" || line.macro == "P" || line.macro == "LP" || line.macro == "SS") {
      finish();
    } else if (line.macro.empty()) {
      take(LineScanner(line.rest).text());
    } else if (const auto text = font_text(line)) {
      take(*text);
    }
  }

  void take(const std::string& text) {
    if (verbatim_) return;
    const Expect expected = std::exchange(expect_, Expect::text);
    if (expected == Expect::tag)
      code_ = code_of(on_one_line(text));
    else if (expected == Expect::text && !code_.empty())
      description_ += ' ' + text;
  }

  void finish() {
    if (!code_.empty()) page_.errors.push_back({std::move(code_), on_one_line(description_)});
    code_.clear();
    description_.clear();
    expect_ = Expect::text;
    verbatim_ = false;
  }

  ManualPage page_;
  bool is_page_ = false, in_errors_ = false, verbatim_ = false;
  Expect expect_ = Expect::text;
  std::string code_, description_;
};

}  // namespace

std::string plain_text(std::string_view roff) {
  return on_one_line(LineScanner(roff).text());
}

std::optional<ManualPage> read_manual_page(std::string_view text) {
  const std::string page = utf8_text(text);
  PageReader reader;
  for (std::string_view rest = page; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    reader.read(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return reader.page();
}

}  // namespace attend::data
