#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attend/data/records.h"

namespace attend::cli {

/// Texts one after the other, from wherever they come.
class Texts {
 public:
  Texts() = default;
  virtual ~Texts() = default;
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;
  virtual std::optional<std::string> next() = 0;
  virtual data::SkippedRecords skipped() const { return {}; }
};

/// The texts that were given; without any, the lines of the file; without a file, the lines of standard
/// input. Empty lines are bad records. Throws Error when standard input is a terminal.
std::unique_ptr<Texts> texts_of(const std::vector<std::string>& given, const std::string& file,
                                const data::ReadOptions& read);

/// How --skip-bad makes a file be read.
data::ReadOptions reading(bool skip_bad);

/// Writes how many records were skipped, and the first, to standard error; nothing when there were none.
void print_skipped(const data::SkippedRecords& skipped);

}  // namespace attend::cli
