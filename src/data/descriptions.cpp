#include "data/descriptions.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/record_messages.h"
#include "data/utf8.h"

namespace attend::data {
namespace {

constexpr std::string_view kSpaces = " \t\n\v\f\r";

bool is_space(char c) {
  return kSpaces.find(c) != kSpaces.npos;
}

/// `text` with single spaces between its words, added to `line`.
void add_words(std::string_view text, std::string& line) {
  for (std::size_t begin = text.find_first_not_of(kSpaces); begin != text.npos;
       begin = text.find_first_not_of(kSpaces)) {
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(kSpaces), text.size());
    if (!line.empty()) line += ' ';
    line += text.substr(0, end);
    text.remove_prefix(end);
  }
}

bool starts_item(std::string_view line) {
  const std::size_t mark = line.find_first_not_of(" \t");
  return mark != line.npos && mark + 1 < line.size() &&
         std::string_view("*+-o").find(line[mark]) != line.npos && is_space(line[mark + 1]);
}

/// Whether a sentence may begin with these bytes: a capital letter of Latin-1's languages or a quote.
bool starts_sentence(std::string_view text) {
  if (text.empty()) return false;
  const std::int32_t c = first_code_point(text).value;
  constexpr std::int32_t kMultiply = 0xd7, kFirstCapital = 0xc0, kLastCapital = 0xde, kLowQuote = 0x201e,
                         kGuillemet = 0xab;
  return (c >= 'A' && c <= 'Z') || (c >= kFirstCapital && c <= kLastCapital && c != kMultiply) ||
         c == kGuillemet || c == kLowQuote || c == '"' || c == '(';
}

bool has_word(std::string_view text) {
  const auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
  return std::ranges::adjacent_find(text, [&](char a, char b) { return is_small(a) && is_small(b); }) !=
         text.end();
}

bool looks_translated(std::string_view source, std::string_view target) {
  constexpr std::size_t kFewestWords = 3, kMostWords = 40;
  constexpr double kShortest = 0.4, kLongest = 2.5;
  const std::size_t words = count_words(source);
  const double ratio =
      static_cast<double>(target.size()) / static_cast<double>(std::max<std::size_t>(1, source.size()));
  return source != target && words >= kFewestWords && words <= kMostWords && ratio >= kShortest &&
         ratio <= kLongest && has_word(source) && target.find("<trans>") == target.npos;
}

const std::string& required(const ControlRecord& record, std::string_view name, const std::string& place) {
  const std::string* value = record.find(name);
  if (value == nullptr || is_blank(*value))
    throw BadRecord(fmt::format("{}: the paragraph has no field {}", place, name));
  return *value;
}

}  // namespace

DescriptionReader::DescriptionReader(const std::filesystem::path& path, const std::string& language,
                                     const ReadOptions& options)
    : RecordReader(options.bad_records), records_(path, throwing(options)), language_(language) {}

std::optional<Description> DescriptionReader::read() {
  const std::optional<ControlRecord> record = records_.next();
  if (!record) return std::nullopt;
  const std::string& text = required(*record, "Description-" + language_, place());
  const std::size_t end = std::min(text.find('\n'), text.size());
  Description description{.package = required(*record, "Package", place()),
                          .english_md5 = required(*record, "Description-md5", place())};
  add_words(std::string_view(text).substr(0, end), description.synopsis);
  if (description.synopsis.empty())
    throw BadRecord(fmt::format("{}: the first line of Description-{} is empty", place(), language_));
  description.paragraphs =
      description_paragraphs(std::string_view(text).substr(std::min(end + 1, text.size())));
  return description;
}

PackageReader::PackageReader(const std::filesystem::path& path, const ReadOptions& options)
    : RecordReader(options.bad_records), records_(path, throwing(options)) {}

std::optional<PackageOrigin> PackageReader::read() {
  const std::optional<ControlRecord> record = records_.next();
  if (!record) return std::nullopt;
  PackageOrigin origin{.package = required(*record, "Package", place()),
                       .section = required(*record, "Section", place())};
  const std::string* source = record->find("Source");
  // "name (version)", where the source's version is another one.
  origin.source = source == nullptr ? origin.package : source->substr(0, source->find(' '));
  return origin;
}

std::vector<std::string> description_paragraphs(std::string_view text) {
  std::vector<std::string> paragraphs;
  std::string current;
  const auto end_paragraph = [&] {
    if (!current.empty()) paragraphs.push_back(current);
    current.clear();
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool separates = line == "." || is_blank(line);
    if (separates || starts_item(line)) end_paragraph();
    if (!separates) add_words(line, current);
  }
  end_paragraph();
  return paragraphs;
}

std::vector<std::string> sentences(std::string_view paragraph) {
  std::vector<std::string> result;
  std::size_t begin = 0;
  for (std::size_t i = 1; i + 1 < paragraph.size(); ++i) {
    if (paragraph[i] != ' ' || std::string_view(".!?:").find(paragraph[i - 1]) == std::string_view::npos ||
        !starts_sentence(paragraph.substr(i + 1)))
      continue;
    result.emplace_back(paragraph.substr(begin, i - begin));
    begin = i + 1;
  }
  if (begin < paragraph.size()) result.emplace_back(paragraph.substr(begin));
  return result;
}

std::vector<TextPair> aligned_pairs(const Description& source, const Description& target) {
  std::vector<TextPair> pairs = {{source.synopsis, target.synopsis}};
  if (source.paragraphs.size() == target.paragraphs.size()) {
    for (std::size_t i = 0; i < source.paragraphs.size(); ++i) {
      const std::vector<std::string> from = sentences(source.paragraphs[i]),
                                     to = sentences(target.paragraphs[i]);
      if (from.size() == to.size()) {
        for (std::size_t j = 0; j < from.size(); ++j) pairs.push_back({from[j], to[j]});
      } else {
        pairs.push_back({source.paragraphs[i], target.paragraphs[i]});
      }
    }
  }
  std::erase_if(pairs, [](const TextPair& pair) { return !looks_translated(pair.source, pair.target); });
  return pairs;
}

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  for (const char c : text) {
    words += !is_space(c) && !inside ? 1 : 0;
    inside = !is_space(c);
  }
  return words;
}

}  // namespace attend::data
