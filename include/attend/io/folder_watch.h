#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

namespace attend::io {

/// The files of one folder, those that are there and those that arrive (inotify(7)).
///
///   FolderWatch watch("frames");
///   while (!stop)
///     if (const auto file = watch.next(std::chrono::milliseconds(200))) use(*file);
class FolderWatch {
 public:
  /// Throws Error naming the folder when it is missing or no folder, or the system watches too many already.
  explicit FolderWatch(const std::filesystem::path& folder);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  /// The next file: first those that were there at the beginning, by name, then each one when who writes it
  /// closes it or it is moved here, and again when it is written anew. Nothing when none comes within `wait`
  /// or a signal comes. Hidden files (".name") are left out. Throws Error when the folder is gone, or when
  /// more files are waiting than the system remembers.
  std::optional<std::filesystem::path> next(std::chrono::milliseconds wait);

 private:
  /// Tells a file's content from what it was before.
  struct Stamp {
    std::filesystem::file_time_type written;
    std::uintmax_t size = 0;

    bool operator==(const Stamp&) const = default;
  };

  std::optional<std::filesystem::path> take();
  bool has_events(std::chrono::milliseconds wait);
  void read_events();
  static std::optional<Stamp> stamp_of(const std::filesystem::path& file);

  std::filesystem::path folder_;
  int descriptor_ = -1;
  std::vector<std::filesystem::path> waiting_;  ///< from next_ on
  std::size_t next_ = 0;
  /// Of the files that were there at the beginning: one that was closed between the start of the watch and
  /// the look into the folder would come twice.
  std::map<std::filesystem::path, Stamp> first_;
};

}  // namespace attend::io
