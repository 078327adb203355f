#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace attend::train {

/// One file of a checkpoint; `write` makes it at the path that it is given.
struct CheckpointFile {
  std::string name;
  std::function<void(const std::filesystem::path& path)> write;
};

/// A whole checkpoint.
struct FoundCheckpoint {
  std::int64_t step = 0;
  std::filesystem::path folder;
  /// One line for each later checkpoint that was passed over because it is damaged.
  std::vector<std::string> damaged;
};

/// The folder with the checkpoints of one run:
///
///     checkpoint-STEP/            (checkpoint-STEP-2 ... when the same step is saved again)
///       FILE ...
///       manifest.json             written last: {"format": 1, "step": STEP,
///                                                "files": {"FILE": {"size": 4096, "crc32c": "1a2b3c4d"},
///                                                ...}}
///     lock                        held by the process that trains
///
/// A checkpoint without manifest is one that was being written when its process died; it counts for nothing.
/// Every file is on the disk before the manifest is, and the previous checkpoint is removed only after that:
/// whenever the process dies, a whole checkpoint is there once the first has been saved.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::filesystem::path folder);
  ~CheckpointFolder();
  CheckpointFolder(const CheckpointFolder&) = delete;
  CheckpointFolder& operator=(const CheckpointFolder&) = delete;

  /// Makes the folder if need be and keeps other processes out until destruction. Throws Error when another
  /// process has it or it cannot be made.
  void lock();

  /// Saves a new checkpoint, then removes all others. Throws Error naming the file and the reason when it
  /// cannot be written (disk full); the unfinished checkpoint is then removed, and the others are untouched.
  void save(std::int64_t step, const std::vector<CheckpointFile>& files);

  /// The latest whole checkpoint: every file of its manifest is there with its size and checksum. Nothing
  /// when there is no checkpoint, or only the first one, of step 0, unfinished. Throws Error naming what is
  /// wrong when there are checkpoints but none is whole, or one is of a newer format.
  std::optional<FoundCheckpoint> find() const;

  /// True when there is any checkpoint, whole or not.
  bool has_any() const;

  const std::filesystem::path& path() const { return folder_; }

 private:
  std::filesystem::path folder_;
  int lock_ = -1;
};

}  // namespace attend::train
