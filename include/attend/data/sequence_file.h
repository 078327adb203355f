#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "attend/io/file.h"

namespace attend::data {

/// Sequences of token ids in a file that is mapped into memory, so many of them to a record: 1 for texts, 2
/// for pairs of texts. Texts are turned into tokens once, whatever their number; writing holds 8 bytes for
/// each sequence in memory, reading none.
///
///     8 bytes   "ATTNSEQ1"
///     8 bytes   vocabulary; ids are in [0, vocabulary)
///     8 bytes   fields, the sequences of a record
///     8 bytes   source, a checksum of what the sequences were made from
///     the ids   of one sequence after the other, 16 bits each when vocabulary <= 65536, else 32 bits
///     zeros     up to a multiple of 8
///     8 bytes   for each sequence, the number of ids up to its end
///     8 bytes   number of sequences
///     8 bytes   checksum of the first 32 bytes and the number of sequences
///
/// All numbers little-endian.
class SequenceFile {
 public:
  struct Format {
    std::int64_t vocabulary = 0;
    std::int64_t fields = 1;
    std::uint64_t source = 0;
  };
  /// Takes the sequences in order.
  using Sink = std::function<void(std::span<const std::int32_t> ids)>;

  /// Replaces the file through io::write_file_atomically by the sequences that `fill` gives. Throws Error
  /// when an id is not in [0, vocabulary), when the last record is not whole, for a format out of range, or
  /// naming the path when the file cannot be written.
  static void write(const std::filesystem::path& path, const Format& format,
                    const std::function<void(const Sink&)>& fill);

  /// Maps the file. Throws Error naming the path when it is missing, no sequence file, truncated, or damaged
  /// outside its ids, which are checked when they are read.
  explicit SequenceFile(const std::filesystem::path& path);

  const Format& format() const { return format_; }
  std::int64_t records() const { return sequences_ / format_.fields; }

  /// Both throw Error for a record or field that is not there.
  std::int64_t length(std::int64_t record, std::int64_t field = 0) const;
  /// Throws Error for an id that is not in the vocabulary, too.
  std::vector<std::int32_t> ids(std::int64_t record, std::int64_t field = 0) const;

 private:
  struct Extent {
    std::uint64_t begin, end;
  };
  Extent extent(std::int64_t record, std::int64_t field) const;
  std::uint64_t end_of(std::int64_t sequence) const;

  io::MappedFile mapping_;
  Format format_;
  std::int64_t sequences_ = 0;
  std::uint64_t count_ = 0;  // ids
  const std::byte* ends_ = nullptr;
};

}  // namespace attend::data
