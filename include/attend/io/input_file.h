#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace attend::io {

/// A file or pipe that is read from its beginning to its end, piece by piece.
class InputFile {
 public:
  /// Throws Error naming the path and the reason when it is missing, a folder, or unreadable.
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// Puts the next bytes at the start of `buffer`, which is not empty, and returns how many; 0 at the end. A
  /// pipe gives what is there and waits only when there is nothing. Throws Error when reading fails.
  std::size_t read(std::span<char> buffer);

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace attend::io
