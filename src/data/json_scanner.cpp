#include "data/json_scanner.h"

#include <fmt/format.h>

#include <string_view>

#include "attend/base/error.h"
#include "io/printable.h"

namespace attend::data {
namespace {

constexpr std::size_t kLongestName = 1000;
constexpr std::size_t kDeepest = 64;

bool is_space(int c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

JsonScanner::JsonScanner(const std::filesystem::path& path) : file_(path), buffer_(std::size_t{1} << 16) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (look() != static_cast<unsigned char>(kByteOrderMark[0])) return;
  for (const char c : kByteOrderMark) {
    if (look() != static_cast<unsigned char>(c)) fail("text in UTF-8");
    get();
  }
  byte_ = 1;
}

/// The next byte, which stays; -1 at the end.
int JsonScanner::look() {
  if (begin_ == end_) {
    begin_ = 0;
    end_ = file_.read(buffer_);
    if (end_ == 0) return -1;
  }
  return static_cast<unsigned char>(buffer_[begin_]);
}

int JsonScanner::get() {
  const int c = look();
  if (c < 0) return c;
  ++begin_;
  ++byte_;
  if (c == '\n') {
    ++line_;
    byte_ = 1;
  }
  return c;
}

void JsonScanner::fail(const std::string& expected) {
  const int c = look();
  const char found = static_cast<char>(c);
  throw Error(fmt::format("{}, byte {}: found {}; expected {}", place(), byte_,
                          c < 0 ? "the end of the file" : io::printable({&found, 1}), expected));
}

std::string JsonScanner::place() const {
  return fmt::format("{}, line {}", file_.path().string(), line_);
}

char JsonScanner::peek() {
  while (is_space(look())) get();
  const int c = look();
  return c < 0 ? '\0' : static_cast<char>(c);
}

void JsonScanner::take(char expected) {
  if (peek() != expected) fail(fmt::format("'{}'", expected));
  get();
}

bool JsonScanner::next(char close, bool first) {
  const char c = peek();
  if (c == close) {
    get();
    return false;
  }
  if (first) return true;
  if (c != ',') fail(fmt::format("',' or '{}'", close));
  get();
  return true;
}

std::string JsonScanner::name() {
  if (peek() != '"') fail("the name of a field in quotes");
  const std::string name = value(kLongestName);
  take(':');
  return name.size() < 2 ? "" : name.substr(1, name.size() - 2);
}

std::string JsonScanner::value(std::size_t longest) {
  std::string text, open;
  bool fits = true, quoted = false, anything = false;
  peek();
  for (;;) {
    const int c = look();
    if (c < 0) fail(quoted ? "the end of a string" : "the end of a value");
    if (!quoted && open.empty() && (c == ',' || c == ']' || c == '}' || c == ':' || is_space(c))) {
      if (!anything) fail("a value");
      break;
    }
    if (!quoted && (c == '{' || c == '[')) {
      if (open.size() == kDeepest) fail(fmt::format("at most {} levels of brackets", kDeepest));
      open += c == '{' ? '}' : ']';
    } else if (!quoted && (c == '}' || c == ']')) {
      if (open.back() != c) fail(fmt::format("'{}'", open.back()));
      open.pop_back();
    }
    get();
    anything = true;
    if (fits && text.size() >= longest) {
      fits = false;
      text = {};
    }
    if (fits) text += static_cast<char>(c);
    if (quoted) {
      if (c == '\\') {
        const int escaped = get();
        if (fits && escaped >= 0) text += static_cast<char>(escaped);
      }
      quoted = c != '"';
    } else {
      quoted = c == '"';
    }
    if (!quoted && open.empty() && (c == '"' || c == '}' || c == ']')) break;
  }
  return text;
}

}  // namespace attend::data
