#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "attend/data/line_reader.h"
#include "attend/data/records.h"

namespace attend::data {

struct JsonLinesOptions {
  /// Names of fields that hold one text: a string, an integer or a boolean (given as "7", "true").
  std::vector<std::string> texts;
  /// Names of fields that hold a list of such texts, as for several labels; one text counts as a list of one.
  std::vector<std::string> lists = {};
  /// Whether texts may be empty or white space, and lists empty; otherwise that is a bad record.
  bool allow_empty = false;
  /// How deep objects and lists may be nested in fields that are not asked for.
  int max_depth = 32;
  ReadOptions read = {};
};

/// The fields that were asked for, in the order of the options.
struct JsonRecord {
  std::vector<std::string> texts;
  std::vector<std::vector<std::string>> lists;
};

/// JSON Lines: each line is an object with the same fields.
///
/// Bad records: an empty line, a line that is not JSON (with the byte), not an object, nested too deeply; a
/// field that is missing (naming those there are), empty, or of another kind; a bad line (LineReader).
class JsonLinesReader : public RecordReader<JsonRecord> {
 public:
  /// Throws Error when the file cannot be read or the options name no field.
  JsonLinesReader(const std::filesystem::path& path, const JsonLinesOptions& options);

  std::string place() const override { return lines_.place(); }

 private:
  std::optional<JsonRecord> read() override;

  LineReader lines_;
  JsonLinesOptions options_;
};

}  // namespace attend::data
