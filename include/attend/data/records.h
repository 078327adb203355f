#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "attend/base/error.h"

namespace attend::data {

/// What becomes of a record that is not as its format says.
enum class BadRecords {
  kThrow,  ///< next() throws BadRecord; the call after it goes on behind the bad record
  kSkip,   ///< it is counted, and next() gives the next good record
};

/// Options that all readers of records share.
struct ReadOptions {
  BadRecords bad_records = BadRecords::kThrow;
  /// The longest line, and the longest record of several lines, in bytes; a longer one is a bad record. A
  /// reader holds one record in memory, so this bounds its memory however large the file is.
  std::size_t max_record_bytes = std::size_t{1} << 20;
};

/// One record of a file is bad. The message is "FILE, line N: what was found, what was expected", with
/// ", byte M" (counted from 1 in its line) after the line where that helps.
class BadRecord : public Error {
 public:
  /// `count`: how many records are lost with it.
  explicit BadRecord(const std::string& message, std::int64_t count = 1) : Error(message), count_(count) {}
  std::int64_t count() const { return count_; }

 private:
  std::int64_t count_;
};

/// How many records were skipped, and the message of the first.
struct SkippedRecords {
  std::int64_t count = 0;
  std::string first;
};

/// Reads the records of a file one after the other: what every reader of this folder is to its caller.
///
/// What concerns the whole file (it cannot be read, a column is missing) is an Error whatever the options
/// say.
template <class Record>
class RecordReader {
 public:
  virtual ~RecordReader() = default;
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  /// The next record; none at the end of the file.
  std::optional<Record> next() {
    for (;;) {
      try {
        return read();
      } catch (const BadRecord& bad) {
        skip(bad);
      }
    }
  }

  /// Where the record that next() gave last begins, as messages name it: "FILE, line N".
  virtual std::string place() const = 0;

  /// Calls the record that next() gave last a bad one, for a reason that only its user can know, such as a
  /// label that the model lacks: throws BadRecord "FILE, line N: `reason`", or counts it as skipped.
  void reject(const std::string& reason) { skip(BadRecord(place() + ": " + reason)); }

  const SkippedRecords& skipped() const { return skipped_; }

 protected:
  explicit RecordReader(BadRecords policy) : policy_(policy) {}

 private:
  /// The next record, whatever the policy. Throws BadRecord only when it is behind the bad record already.
  virtual std::optional<Record> read() = 0;

  void skip(const BadRecord& bad) {
    if (policy_ == BadRecords::kThrow) throw BadRecord(bad);
    if (skipped_.count == 0) skipped_.first = bad.what();
    skipped_.count += bad.count();
  }

  BadRecords policy_;
  SkippedRecords skipped_;
};

}  // namespace attend::data
