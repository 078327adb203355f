#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace attend {

/// Bytes in use by tensors, from the caching allocator. Memory that a tensor only refers to (a mapped file)
/// is not counted.
struct MemoryUse {
  std::int64_t current = 0;  ///< in live tensors now
  std::int64_t peak = 0;     ///< the most there has been since the start or reset_peak_memory()
  std::int64_t cached = 0;   ///< kept for reuse by later tensors
};

MemoryUse memory_use();
void reset_peak_memory();
/// Gives the memory kept for reuse back to the system.
void release_cached_memory();

/// A block of memory that tensors share. Aligned to 64 bytes when it comes from allocate().
class Storage {
 public:
  /// Uninitialised memory. Throws Error when there is not enough.
  static std::shared_ptr<Storage> allocate(std::size_t bytes);
  /// Memory of somebody else, kept alive by `owner`.
  static std::shared_ptr<Storage> refer(void* data, std::size_t bytes, std::shared_ptr<const void> owner);

  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  Storage(std::byte* data, std::size_t bytes, std::size_t capacity, std::shared_ptr<const void> owner)
      : data_(data), bytes_(bytes), capacity_(capacity), owner_(std::move(owner)) {}

  std::byte* data_;
  std::size_t bytes_;
  std::size_t capacity_;  // 0 when the memory is somebody else's
  std::shared_ptr<const void> owner_;
};

}  // namespace attend
