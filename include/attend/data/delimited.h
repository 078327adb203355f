#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "attend/data/line_reader.h"
#include "attend/data/records.h"

namespace attend::data {

struct DelimitedOptions {
  char delimiter = ',';
  /// Whether a field may stand in double quotes as RFC 4180 has it: delimiters and line breaks in it are
  /// text, and "" in it is one quote. A line break in quotes is given as LF.
  bool quotes = true;
  /// Whether the first record names the columns.
  bool header = true;
  /// Which columns, in the order of the fields wanted: by name, or without a header by number from 1 ("1").
  /// Empty: all.
  std::vector<std::string> columns = {};
  /// Whether a field of these columns may be empty or white space; otherwise that is a bad record.
  bool allow_empty = false;
  ReadOptions read = {};
};

/// Comma and quotes for *.csv, tab and no quotes for *.tsv and *.tab. Throws Error for other names.
DelimitedOptions delimited_options(const std::filesystem::path& path);

/// Tables as text: CSV and TSV. A record is its fields in the wanted columns.
///
/// Bad records: another number of fields than the header has, or without one the first record; an empty
/// field; quotes where RFC 4180 allows none, or that are not closed; a bad line (LineReader). Behind a record
/// with quotes that went wrong, reading goes on at the second of its lines.
class DelimitedReader : public RecordReader<std::vector<std::string>> {
 public:
  /// Throws Error when the file cannot be read, is empty, its header is bad, or a column is missing (naming
  /// the columns there are). Without a header, a column number that is too large is an Error of next().
  DelimitedReader(const std::filesystem::path& path, const DelimitedOptions& options);

  std::string place() const override;

  /// The line where the record that next() gave last begins, from 1.
  std::int64_t line() const { return record_line_; }

  /// The names of the columns wanted; their numbers, where there is no header.
  const std::vector<std::string>& columns() const { return columns_; }

 private:
  using Row = std::vector<std::string>;
  struct Line {
    std::int64_t number = 0;
    std::string text;
  };

  std::optional<Row> read() override;
  std::optional<Row> read_row();
  std::optional<Line> take_line();
  Row split_quoted();
  std::string take_quoted(std::size_t& i);
  void add_line(std::size_t open);
  Row choose(Row row) const;
  void find_columns(const Row& header);
  void find_columns(std::size_t count);
  void return_later_lines();
  [[noreturn]] void fail_at(std::size_t offset, const std::string& what) const;

  LineReader lines_;
  DelimitedOptions options_;
  std::vector<std::string> columns_;
  std::vector<std::size_t> chosen_;
  std::size_t width_ = 0;           // fields of a record; 0 before the first
  std::int64_t width_line_ = 0;     // the line that says so
  std::int64_t record_line_ = 0;    // where the record begins
  std::int64_t last_line_ = 0;      // and ends
  std::string record_;              // its lines, joined by LF
  std::deque<Line> waiting_lines_;  // read already, to be read again
};

}  // namespace attend::data
