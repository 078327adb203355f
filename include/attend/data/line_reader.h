#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/records.h"
#include "attend/io/input_file.h"

namespace attend::data {

/// The lines of a UTF-8 text file (or pipe) without their ends, LF or CR LF; the last line may lack one. A
/// byte order mark at the start of the file is dropped. A line is valid until the next call of next().
///
/// Bad records: a line longer than the limit, one that is not UTF-8, one with a NUL byte.
class LineReader : public RecordReader<std::string_view> {
 public:
  /// Throws Error naming the path and the reason when the file is missing, a folder, or unreadable.
  explicit LineReader(const std::filesystem::path& path, const ReadOptions& options = {});

  std::string place() const override;

  /// The number of the line that next() gave last or found bad, from 1; 0 before the first.
  std::int64_t line() const { return line_; }

  /// The name of the file, for messages.
  std::string file() const { return file_.path().string(); }

 private:
  std::optional<std::string_view> read() override;
  bool refill();
  void drop_rest_of_line();
  std::string_view checked(std::string_view line) const;

  io::InputFile file_;
  std::size_t longest_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what is read and not given yet
  std::int64_t line_ = 0;
  bool in_long_line_ = false;
};

}  // namespace attend::data
