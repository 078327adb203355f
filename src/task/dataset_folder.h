#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace attend::task {

/// A new folder that appears under its name as a whole or not at all. Until finish() it is NAME.part, which
/// goes away with this object; one that a killed process left is replaced.
class NewFolder {
 public:
  /// Throws Error when `path` is there and no empty folder, when its place cannot be written to, or when
  /// another process makes the same folder.
  explicit NewFolder(const std::filesystem::path& path);
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  /// Where the folder is for now.
  const std::filesystem::path& part() const { return part_; }
  /// A folder in it for what need not stay.
  std::filesystem::path scratch() const { return part_ / ".scratch"; }

  /// Writes a file in it, and the folders that its name begins with. Throws Error as io::write_new_file does.
  void add(const std::filesystem::path& name, std::string_view content) const;

  /// Waits until all is on the disk and gives it its name. Throws Error when that fails.
  void finish();

 private:
  std::filesystem::path path_, part_;
  int lock_ = -1;
  bool finished_ = false;
};

}  // namespace attend::task
