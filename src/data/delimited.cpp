#include "attend/data/delimited.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "data/record_messages.h"
#include "io/printable.h"

namespace attend::data {
namespace {

std::vector<std::string> split(std::string_view line, char delimiter) {
  std::vector<std::string> fields;
  for (;;) {
    const std::size_t end = line.find(delimiter);
    fields.emplace_back(line.substr(0, end));
    if (end == line.npos) return fields;
    line.remove_prefix(end + 1);
  }
}

}  // namespace

DelimitedOptions delimited_options(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension == ".csv") return {};
  if (extension == ".tsv" || extension == ".tab") return {.delimiter = '\t', .quotes = false};
  throw Error(fmt::format("{}: expected a file named *.csv, *.tsv or *.tab", path.string()));
}

DelimitedReader::DelimitedReader(const std::filesystem::path& path, const DelimitedOptions& options)
    : RecordReader(options.read.bad_records), lines_(path, throwing(options.read)), options_(options) {
  if (!options_.header) return;
  const std::optional<Row> header = read_row();
  if (!header)
    throw Error(fmt::format("{} is empty; expected a line with the names of the columns", lines_.file()));
  find_columns(*header);
}

std::string DelimitedReader::place() const {
  return fmt::format("{}, line {}", lines_.file(), record_line_);
}

void DelimitedReader::find_columns(const Row& header) {
  columns_ = options_.columns.empty() ? header : options_.columns;
  for (const std::string& name : options_.columns) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found == header.end())
      throw Error(fmt::format("{}: {}", place(), missing_name("column", name, header)));
    if (std::find(found + 1, header.end(), name) != header.end())
      throw Error(fmt::format("{}: two columns are named {}", place(), io::printable(name)));
    chosen_.push_back(static_cast<std::size_t>(found - header.begin()));
  }
}

void DelimitedReader::find_columns(std::size_t count) {
  std::vector<std::size_t> chosen;
  for (const std::string& name : options_.columns) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size() || number < 1 || number > count) {
      throw Error(fmt::format("{}: no column {}; without a header, columns have numbers, here 1 to {}",
                              place(), io::printable(name), count));
    }
    chosen.push_back(number - 1);
  }
  chosen_ = std::move(chosen);
  columns_ = options_.columns;
  if (columns_.empty())
    for (std::size_t i = 1; i <= count; ++i) columns_.push_back(std::to_string(i));
}

std::optional<DelimitedReader::Row> DelimitedReader::read() {
  std::optional<Row> row = read_row();
  if (!row) return std::nullopt;
  if (columns_.empty()) find_columns(row->size());
  return choose(std::move(*row));
}

/// The next record, all its columns.
std::optional<DelimitedReader::Row> DelimitedReader::read_row() {
  std::optional<Line> line = take_line();
  if (!line) return std::nullopt;
  record_line_ = last_line_ = line->number;
  record_ = std::move(line->text);
  try {
    Row row = options_.quotes ? split_quoted() : split(record_, options_.delimiter);
    if (width_ == 0) {
      width_ = row.size();
      width_line_ = record_line_;
    }
    if (row.size() == width_) return row;
    const std::string found = record_.empty() ? "the line is empty" : counted(row.size(), "column");
    throw BadRecord(fmt::format("{}: {}; expected {} as in line {}", place(), found,
                                counted(width_, "column"), width_line_));
  } catch (const BadRecord&) {
    return_later_lines();
    throw;
  }
}

std::optional<DelimitedReader::Line> DelimitedReader::take_line() {
  if (!waiting_lines_.empty()) {
    Line line = std::move(waiting_lines_.front());
    waiting_lines_.pop_front();
    return line;
  }
  const std::optional<std::string_view> text = lines_.next();
  if (!text) return std::nullopt;
  return Line{lines_.line(), std::string(*text)};
}

DelimitedReader::Row DelimitedReader::split_quoted() {
  Row row;
  std::size_t i = 0;
  for (;;) {
    if (i < record_.size() && record_[i] == '"') {
      row.push_back(take_quoted(i));
    } else {
      const std::size_t end = std::min(record_.find(options_.delimiter, i), record_.size());
      row.push_back(record_.substr(i, end - i));
      if (const std::size_t quote = row.back().find('"'); quote != std::string::npos)
        fail_at(i + quote,
                "a quote inside a field; expected the whole field in quotes, and this quote doubled");
      i = end;
    }
    if (i == record_.size()) return row;
    ++i;
  }
}

/// The text of the quoted field at `i`, which moves behind it; takes more lines as they are needed.
std::string DelimitedReader::take_quoted(std::size_t& i) {
  const std::size_t open = i++;
  std::string field;
  for (;;) {
    const std::size_t quote = record_.find('"', i);
    field.append(record_, i, quote - i);
    if (quote == std::string::npos) {
      i = record_.size();
      add_line(open);
      continue;
    }
    i = quote + 1;
    if (i == record_.size() || record_[i] == options_.delimiter) return field;
    if (record_[i] != '"')
      fail_at(i,
              fmt::format("text after a quoted field; expected {}", io::printable({&options_.delimiter, 1})));
    field += '"';
    ++i;
  }
}

/// Adds a line to the record, because of the quote at `open`.
void DelimitedReader::add_line(std::size_t open) {
  std::optional<Line> line = take_line();
  if (!line) fail_at(open, "a quote that is not closed before the end of the file");
  if (line->text.size() + record_.size() >= options_.read.max_record_bytes) {
    waiting_lines_.push_front(std::move(*line));
    fail_at(open, fmt::format("a quote that is not closed within {} bytes, the longest record allowed",
                              options_.read.max_record_bytes));
  }
  record_ += '\n';
  record_ += line->text;
  last_line_ = line->number;
}

/// Makes all lines of the record but its first be read again.
void DelimitedReader::return_later_lines() {
  if (last_line_ == record_line_) return;
  std::vector<std::string> lines = split(record_, '\n');
  for (std::int64_t number = last_line_; number > record_line_; --number) {
    waiting_lines_.push_front({number, std::move(lines.back())});
    lines.pop_back();
  }
}

DelimitedReader::Row DelimitedReader::choose(Row row) const {
  Row fields;
  if (options_.columns.empty()) {
    fields = std::move(row);
  } else {
    for (const std::size_t column : chosen_) fields.push_back(row[column]);
  }
  if (options_.allow_empty) return fields;
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (is_blank(fields[i]))
      throw BadRecord(
          fmt::format("{}: column {} is empty; expected text", place(), io::printable(columns_[i])));
  return fields;
}

void DelimitedReader::fail_at(std::size_t offset, const std::string& what) const {
  const auto end = record_.begin() + static_cast<std::ptrdiff_t>(offset);
  const std::size_t line_start = record_.rfind('\n', offset) + 1;  // npos + 1 is 0
  throw BadRecord(fmt::format("{}, line {}, byte {}: {}", lines_.file(),
                              record_line_ + std::count(record_.begin(), end, '\n'), offset - line_start + 1,
                              what));
}

}  // namespace attend::data
