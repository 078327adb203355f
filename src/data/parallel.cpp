#include "attend/data/parallel.h"

#include <fmt/format.h>

#include <utility>

#include "data/record_messages.h"

namespace attend::data {
namespace {

/// One line of one side: the text, or why it is bad, or neither at the end of the file.
struct Side {
  std::optional<std::string> text = {};
  std::optional<BadRecord> bad = {};

  bool ended() const { return !text && !bad; }
};

Side take(LineReader& lines) {
  try {
    const std::optional<std::string_view> line = lines.next();
    if (!line) return {};
    if (is_blank(*line)) return {.bad = BadRecord(lines.place() + ": the line is empty; expected text")};
    return {.text = std::string(*line)};
  } catch (const BadRecord& bad) {
    return {.bad = bad};
  }
}

/// How many lines there are from here on.
std::int64_t count_rest(LineReader& lines) {
  for (std::int64_t count = 0;; ++count)
    if (take(lines).ended()) return count;
}

DelimitedOptions of_pairs(DelimitedOptions options, const std::filesystem::path& path) {
  if (!options.columns.empty() && options.columns.size() != 2)
    throw Error(fmt::format("{}: {} named for pairs; expected 2, source and target", path.string(),
                            counted(options.columns.size(), "column")));
  options.allow_empty = false;
  options.read = throwing(options.read);
  return options;
}

}  // namespace

ParallelReader::ParallelReader(const std::filesystem::path& source, const std::filesystem::path& target,
                               const ReadOptions& options)
    : RecordReader(options.bad_records),
      source_(source, throwing(options)),
      target_(target, throwing(options)) {}

std::optional<TextPair> ParallelReader::read() {
  Side source = take(source_), target = take(target_);
  if (source.ended() && target.ended()) return std::nullopt;
  if (source.ended() || target.ended()) {
    LineReader& shorter = source.ended() ? source_ : target_;
    LineReader& longer = source.ended() ? target_ : source_;
    const std::int64_t surplus = 1 + count_rest(longer);
    throw BadRecord(
        fmt::format(
            "{} ends after line {}, but {} has {} lines; expected as many lines in one as in the other",
            shorter.file(), shorter.line(), longer.file(), longer.line()),
        surplus);
  }
  if (source.bad) throw BadRecord(*source.bad);
  if (target.bad) throw BadRecord(*target.bad);
  return TextPair{std::move(*source.text), std::move(*target.text)};
}

PairTableReader::PairTableReader(const std::filesystem::path& path, const DelimitedOptions& options)
    : RecordReader(options.read.bad_records), table_(path, of_pairs(options, path)) {}

std::optional<TextPair> PairTableReader::read() {
  std::optional<std::vector<std::string>> fields = table_.next();
  if (!fields) return std::nullopt;
  if (fields->size() != 2)
    throw Error(fmt::format("{} has {}; expected 2, or the two to read named", place(),
                            counted(fields->size(), "column")));
  return TextPair{std::move((*fields)[0]), std::move((*fields)[1])};
}

}  // namespace attend::data
