#include "metric/text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "attend/base/error.h"
#include "data/utf8.h"

namespace attend::metric {
namespace {

using data::first_code_point;

constexpr std::int32_t kCapitalIWithDot = 0x130;
constexpr std::int32_t kCapitalSigma = 0x3a3;
constexpr std::int32_t kSmallSigma = 0x3c3;
constexpr std::int32_t kFinalSigma = 0x3c2;

struct Range {
  std::int32_t first, last;
};

template <std::size_t count>
bool is_in(const std::array<Range, count>& ranges, std::int32_t code_point) {
  return std::any_of(ranges.begin(), ranges.end(), [code_point](const Range& range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

// Word_Break MidLetter, MidNumLet and Single_Quote of Unicode: they do not end a word for the final sigma.
constexpr std::array<Range, 16> kInsideWords = {{{0x27, 0x27},
                                                 {0x2e, 0x2e},
                                                 {0x3a, 0x3a},
                                                 {0xb7, 0xb7},
                                                 {0x387, 0x387},
                                                 {0x55f, 0x55f},
                                                 {0x5f4, 0x5f4},
                                                 {0x2018, 0x2019},
                                                 {0x2024, 0x2024},
                                                 {0x2027, 0x2027},
                                                 {0xfe13, 0xfe13},
                                                 {0xfe52, 0xfe52},
                                                 {0xfe55, 0xfe55},
                                                 {0xff07, 0xff07},
                                                 {0xff0e, 0xff0e},
                                                 {0xff1a, 0xff1a}}};

// Other_Lowercase and Other_Uppercase of Unicode that are neither letters by category nor skipped anyway.
constexpr std::array<Range, 7> kOtherCased = {{{0xaa, 0xaa},
                                               {0xba, 0xba},
                                               {0x2160, 0x217f},
                                               {0x24b6, 0x24e9},
                                               {0x1f130, 0x1f149},
                                               {0x1f150, 0x1f169},
                                               {0x1f170, 0x1f189}}};

bool is_case_ignorable(std::int32_t code_point) {
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return is_in(kInsideWords, code_point);
  }
}

bool is_cased(std::int32_t code_point) {
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
      return true;
    default:
      return is_in(kOtherCased, code_point);
  }
}

/// Whether the first character that counts at `text` has a case; what is between letters does not count.
bool goes_on_with_cased(std::string_view text) {
  while (!text.empty()) {
    const auto [value, length] = first_code_point(text);
    if (!is_case_ignorable(value)) return is_cased(value);
    text.remove_prefix(length);
  }
  return false;
}

}  // namespace

bool is_space(std::int32_t c) {
  if (c < 0x80) return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20);
  return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_word(std::int32_t code_point) {
  if (code_point == '_') return true;
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    const auto [value, length] = first_code_point(text.substr(i));
    if (is_space(value)) {
      if (i > begin) words.push_back(text.substr(begin, i - begin));
      begin = i + length;
    }
    i += length;
  }
  if (i > begin) words.push_back(text.substr(begin));
  return words;
}

std::string lower(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  // Whether the last character that is not skipped inside words has a case.
  bool after_cased = false;
  for (std::size_t i = 0; i < text.size();) {
    const auto [value, length] = first_code_point(text.substr(i));
    i += length;
    if (value == kCapitalIWithDot) {
      result += "i\u0307";
    } else if (value == kCapitalSigma) {
      const bool is_final = after_cased && !goes_on_with_cased(text.substr(i));
      result += data::utf8_of(is_final ? kFinalSigma : kSmallSigma);
    } else {
      result += data::utf8_of(utf8proc_tolower(value));
    }
    if (!is_case_ignorable(value)) after_cased = is_cased(value);
  }
  return result;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (;;) {
    const std::size_t found = text.find(from);
    result += text.substr(0, found);
    if (found == std::string_view::npos) return result;
    result += to;
    text.remove_prefix(found + from.size());
  }
}

std::string join(const std::vector<std::string_view>& words) {
  std::string result;
  for (std::string_view word : words) {
    if (!result.empty()) result += ' ';
    result += word;
  }
  return result;
}

void check_utf8(std::string_view text, std::string_view what) {
  const std::size_t bad = data::find_invalid_utf8(text);
  if (bad == std::string_view::npos) return;
  throw Error(fmt::format("{} is not UTF-8: byte 0x{:02x} at byte {}; metrics are defined on characters",
                          what, static_cast<unsigned char>(text[bad]), bad));
}

}  // namespace attend::metric
