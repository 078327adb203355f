#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "attend/io/file.h"

namespace attend::data {

/// A read-only sequence of token ids that belongs to somebody else: a std::vector, or a TokenFile. Cheap to
/// copy.
class TokenView {
 public:
  TokenView() = default;
  /// 32-bit ids in memory, all in [0, vocabulary).
  TokenView(std::span<const std::int32_t> ids, std::int64_t vocabulary)
      : data_(reinterpret_cast<const std::byte*>(ids.data())),
        size_(static_cast<std::int64_t>(ids.size())),
        vocabulary_(vocabulary),
        width_(4) {}

  std::int64_t size() const { return size_; }
  std::int64_t vocabulary() const { return vocabulary_; }

  /// The tokens [begin, begin + count). Throws Error when they are not inside [0, size()].
  TokenView slice(std::int64_t begin, std::int64_t count) const;

  /// Copies the tokens from `begin` on into `ids`. Throws Error when they are not inside [0, size()], or when
  /// an id is not in [0, vocabulary()).
  void copy(std::int64_t begin, std::span<std::int32_t> ids) const;

 private:
  friend class TokenFile;
  void check_range(std::int64_t begin, std::int64_t count) const;

  const std::byte* data_ = nullptr;
  std::int64_t size_ = 0, vocabulary_ = 0;
  int width_ = 4;  // bytes of one id
};

/// Token ids in a file that is mapped into memory: a text is turned into tokens once.
///
///     8 bytes   "ATTNTOK1"
///     8 bytes   count, the number of ids
///     8 bytes   vocabulary; ids are in [0, vocabulary)
///     8 bytes   source, a checksum of what the tokens were made from
///     8 bytes   checksum of the 32 bytes before
///     24 bytes  zero
///     the ids   16 bits each when vocabulary <= 65536, else 32 bits; all numbers little-endian
class TokenFile {
 public:
  /// Replaces the file through io::write_file_atomically. Throws Error when an id is not in [0, vocabulary),
  /// or naming the path when the file cannot be written.
  static void write(const std::filesystem::path& path, std::span<const std::int32_t> ids,
                    std::int64_t vocabulary, std::uint64_t source);

  /// Maps the file. Throws Error naming the path when it is missing, no token file, truncated, too long, or
  /// its header is damaged. The ids themselves are checked when they are copied.
  explicit TokenFile(const std::filesystem::path& path);

  /// Valid as long as this object (or the one it is moved to) lives.
  TokenView tokens() const { return tokens_; }

  std::uint64_t source() const { return source_; }

 private:
  io::MappedFile mapping_;
  TokenView tokens_;
  std::uint64_t source_ = 0;
};

/// A 64-bit checksum of some bytes (FNV-1a) that tells whether a source has changed; `seed` chains several.
std::uint64_t checksum(std::string_view bytes, std::uint64_t seed = 0xcbf29ce484222325);

}  // namespace attend::data
