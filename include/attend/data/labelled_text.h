#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "attend/data/records.h"

namespace attend::data {

/// A text and what it is: one label for each column asked for.
struct LabelledText {
  std::string text;
  std::vector<std::string> labels;
};

struct LabelledTextOptions {
  /// The columns (JSON Lines: the fields) of the text and of its labels, by name, or in a table without a
  /// header by number from 1. Without labels, texts alone are read.
  std::string text = "text";
  std::vector<std::string> labels = {"label"};
  /// Whether the first record of a table names the columns.
  bool header = true;
  ReadOptions read = {};
};

/// Texts from *.csv, *.tsv, *.tab (DelimitedReader) and *.jsonl, *.ndjson (JsonLinesReader).
///
/// Bad records: those of these readers, an empty text or label among them.
class LabelledTextReader : public RecordReader<LabelledText> {
 public:
  /// Throws Error for a file of another name, and as the readers do: when it cannot be read, or a column is
  /// missing.
  LabelledTextReader(const std::filesystem::path& path, const LabelledTextOptions& options);
  ~LabelledTextReader() override;

  std::string place() const override;

 private:
  class Source;
  class Table;
  class Lines;
  std::optional<LabelledText> read() override;

  std::unique_ptr<Source> source_;
};

}  // namespace attend::data
