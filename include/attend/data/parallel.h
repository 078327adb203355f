#pragma once

#include <filesystem>
#include <string>

#include "attend/data/delimited.h"
#include "attend/data/line_reader.h"
#include "attend/data/records.h"

namespace attend::data {

/// A text and what belongs to it: its translation, its summary, its answer.
struct TextPair {
  std::string source, target;
};

/// Pairs from two files: line N of one belongs to line N of the other.
///
/// Bad records: a pair with an empty or bad line (LineReader) on either side; lines of one file where the
/// other has ended (one error that names both numbers of lines; it counts for as many records as there are
/// such lines).
class ParallelReader : public RecordReader<TextPair> {
 public:
  /// Throws Error naming the path when a file cannot be read.
  ParallelReader(const std::filesystem::path& source, const std::filesystem::path& target,
                 const ReadOptions& options = {});

  /// The line of the source file; the target's has the same number.
  std::string place() const override { return source_.place(); }

 private:
  std::optional<TextPair> read() override;

  LineReader source_, target_;
};

/// Pairs from two columns of a table, without a header unless `options` say so.
///
/// Bad records: those of DelimitedReader, an empty field among them.
class PairTableReader : public RecordReader<TextPair> {
 public:
  /// `options.columns` names source and target; when it is empty, the table must have two columns. Throws
  /// Error as DelimitedReader does, and when the columns are not two.
  explicit PairTableReader(const std::filesystem::path& path,
                           const DelimitedOptions& options = {
                               .delimiter = '\t', .quotes = false, .header = false});

  std::string place() const override { return table_.place(); }

 private:
  std::optional<TextPair> read() override;

  DelimitedReader table_;
};

}  // namespace attend::data
