#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "support/temporary_folder.h"

namespace attend::test {

/// A file system of a few MiB in memory, mounted where only this process and its children see it, and gone
/// with them. Needs root or user namespaces.
class SmallDisk {
 public:
  explicit SmallDisk(std::uintmax_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  /// Why nothing could be mounted; empty when it was.
  const std::string& refused() const { return refused_; }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  /// Fills the disk until `bytes`, rounded up to whole pages, are left.
  void leave(std::uintmax_t bytes);
  /// Removes what leave() wrote.
  void clear();

 private:
  TemporaryFolder folder_;
  std::filesystem::path path_;
  std::string refused_;
};

}  // namespace attend::test
