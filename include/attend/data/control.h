#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/line_reader.h"
#include "attend/data/records.h"

namespace attend::data {

struct ControlField {
  std::string name;
  /// Without white space at both ends of its first line. Further lines follow after LF, each without the one
  /// blank that marks it as one.
  std::string value;
};

/// One paragraph of a control file: what it says of a package.
struct ControlRecord {
  std::vector<ControlField> fields;

  /// The value of a field, whose name may be in any case; null when there is none.
  const std::string* find(std::string_view name) const;
};

/// Lists in the format of Debian's control files (deb822): paragraphs of "Name: value", an empty line after
/// each. A line that starts with a blank goes on with the field before; one that starts with '#' is a
/// comment.
///
/// Bad records: a line without a colon, a name that is empty or not of printable ASCII characters, the same
/// name twice, a line that goes on where no field begins, a bad line (LineReader), a paragraph longer than
/// the limit.
class ControlReader : public RecordReader<ControlRecord> {
 public:
  /// Throws Error when the file cannot be read.
  explicit ControlReader(const std::filesystem::path& path, const ReadOptions& options = {});

  std::string place() const override;

 private:
  std::optional<ControlRecord> read() override;
  void take_line(std::string_view line, ControlRecord& record) const;
  void pass_paragraph();

  LineReader lines_;
  std::size_t longest_;
  std::int64_t record_line_ = 0;
};

}  // namespace attend::data
