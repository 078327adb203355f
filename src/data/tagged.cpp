#include "attend/data/tagged.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/record_messages.h"
#include "io/printable.h"

namespace attend::data {
namespace {

constexpr std::string_view kBlanks = " \t";

void split_at_tabs(std::string_view line, std::vector<std::string_view>& columns) {
  columns.clear();
  for (;;) {
    const std::size_t end = line.find('\t');
    columns.push_back(line.substr(0, end));
    if (end == line.npos) return;
    line.remove_prefix(end + 1);
  }
}

void split_at_blanks(std::string_view line, std::vector<std::string_view>& columns) {
  columns.clear();
  for (std::size_t begin = line.find_first_not_of(kBlanks); begin != line.npos;
       begin = line.find_first_not_of(kBlanks)) {
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
    columns.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

}  // namespace

TaggedOptions conllu_options(int tag_column) {
  return {.word_column = 2, .tag_column = tag_column, .tabs = true, .numbered = true};
}

TaggedOptions numbered_iob2_options() {
  return {.word_column = 2, .tag_column = 3, .tabs = true, .numbered = true};
}

TaggedReader::TaggedReader(const std::filesystem::path& path, const TaggedOptions& options)
    : RecordReader(options.read.bad_records), lines_(path, throwing(options.read)), options_(options) {}

std::string TaggedReader::place() const {
  return fmt::format("{}, line {}", lines_.file(), sentence_line_);
}

std::optional<TaggedSentence> TaggedReader::read() {
  TaggedSentence sentence;
  std::size_t bytes = 0;
  try {
    while (const std::optional<std::string_view> line = lines_.next()) {
      if (is_blank(*line)) {
        if (!sentence.words.empty()) return sentence;
        continue;
      }
      if (options_.numbered && line->starts_with('#')) continue;
      bytes += line->size() + 1;
      if (bytes > options_.read.max_record_bytes)
        throw BadRecord(
            fmt::format("{}: the sentence is longer than {} bytes, the longest allowed; expected an empty "
                        "line after each sentence",
                        lines_.place(), options_.read.max_record_bytes));
      if (sentence.words.empty()) sentence_line_ = lines_.line();
      take_word(*line, sentence);
    }
  } catch (const BadRecord&) {
    pass_sentence();
    throw;
  }
  if (sentence.words.empty()) return std::nullopt;
  return sentence;
}

/// Adds the word of this line, if it is one.
void TaggedReader::take_word(std::string_view line, TaggedSentence& sentence) {
  if (options_.tabs) {
    split_at_tabs(line, columns_);
  } else {
    split_at_blanks(line, columns_);
  }
  if (!options_.numbered && columns_.front() == "-DOCSTART-") return;
  check_columns();
  if (options_.numbered && !is_next_word(sentence.words.size() + 1)) return;
  const std::string_view word = columns_[word_], tag = columns_[tag_];
  if (is_blank(word) || is_blank(tag))
    throw BadRecord(fmt::format("{}: column {} is empty; expected a {}", lines_.place(),
                                1 + (is_blank(word) ? word_ : tag_), is_blank(word) ? "word" : "tag"));
  sentence.words.emplace_back(word);
  sentence.tags.emplace_back(tag);
}

void TaggedReader::check_columns() {
  if (width_ == 0) {
    word_ = column(options_.word_column);
    tag_ = column(options_.tag_column);
    width_ = columns_.size();
    width_line_ = lines_.line();
  }
  if (columns_.size() != width_)
    throw BadRecord(fmt::format("{}: {}; expected {} as in line {}", lines_.place(),
                                counted(columns_.size(), "column"), width_, width_line_));
}

/// From a column as options have it to one from 0.
std::size_t TaggedReader::column(int number) const {
  const int count = static_cast<int>(columns_.size());
  const int from_zero = number < 0 ? count + number : number - 1;
  if (from_zero < 0 || from_zero >= count)
    throw Error(fmt::format("{}: no column {}; there are 1 to {}, separated by {}", lines_.place(), number,
                            count, options_.tabs ? "tabs" : "white space"));
  return static_cast<std::size_t>(from_zero);
}

/// Whether the first column counts this line as word number `next`; otherwise it is a range or an empty node.
bool TaggedReader::is_next_word(std::size_t next) const {
  const std::string_view id = columns_.front();
  if (id == std::to_string(next)) return true;
  const std::size_t mark = id.find_first_of("-.");
  if (mark != id.npos && is_number(id.substr(0, mark)) && is_number(id.substr(mark + 1))) return false;
  throw BadRecord(
      fmt::format("{}: the first column is {}; expected {}, the number of the word in its sentence",
                  lines_.place(), io::printable(id), next));
}

/// Passes over what is left of a bad sentence.
void TaggedReader::pass_sentence() {
  for (;;) {
    try {
      const std::optional<std::string_view> line = lines_.next();
      if (!line || is_blank(*line)) return;
    } catch (const BadRecord&) {
      // It belongs to the bad sentence, which is reported already.
    }
  }
}

}  // namespace attend::data
