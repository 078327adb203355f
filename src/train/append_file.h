#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace attend::train {

/// A file that grows by whole records.
class AppendFile {
 public:
  /// Makes the file when there is none. Throws Error naming the path and the reason.
  explicit AppendFile(const std::filesystem::path& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// Drops everything from byte `size` on.
  void truncate(std::uint64_t size);
  /// Appends the record, or nothing: throws Error after taking back what a full disk let through.
  void append(std::string_view record);

 private:
  [[noreturn]] void fail(int error) const;

  std::filesystem::path path_;
  int fd_;
};

}  // namespace attend::train
