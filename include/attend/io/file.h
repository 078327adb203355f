#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace attend::io {

/// The whole content of a file (or pipe). Throws Error naming the path and the reason when it is missing, a
/// folder, unreadable, or longer than `max_bytes`.
std::string read_file(const std::filesystem::path& path,
                      std::size_t max_bytes = std::numeric_limits<std::size_t>::max());

/// A regular file mapped read-only into memory; unmapped on destruction. Pages are read when they are first
/// touched. The file must not be shortened by anybody while it is mapped: files written by
/// write_file_atomically never are, because they are replaced as a whole.
class MappedFile {
 public:
  /// Throws Error naming the path and the reason when it is missing, not a regular file, or unreadable.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// The content; empty for an empty file. Valid as long as this object (or the one it is moved to) lives.
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Receives the bytes of a file in order; throws Error when they cannot be written.
using ByteSink = std::function<void(std::span<const std::byte>)>;

/// Replaces the file `path` by what `fill` writes, as a whole or not at all: the bytes go to the temporary
/// file `path` + ".part" in the same folder, which is flushed to the disk and then renamed; the folder is
/// flushed last. A symbolic link to a file is followed. An existing file keeps its permissions.
///
/// Throws Error naming the path and the reason (disk full, no permission, no such folder, another process
/// writing the same file ...); whatever `fill` throws passes through. In both cases the temporary file is
/// removed and the old file is untouched. A temporary file left by a killed process is overwritten.
void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(const ByteSink&)>& fill);

/// The same for bytes at hand.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// Writes a file that is not there yet, and does not wait until it is on the disk: for the many files of a
/// folder that gets its name when all are. Throws Error naming the path and the reason, also when there is
/// such a file.
void write_new_file(const std::filesystem::path& path, std::string_view content);

}  // namespace attend::io
