#include "attend/tensor/storage.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "attend/base/error.h"

namespace attend {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Freed blocks by capacity. Capacities are rounded so that the sizes of one training step, repeated, always
// fit.
class BlockCache {
 public:
  // The first block of its size in the process and the last one to go: never destroyed, because tensors in
  // other static objects may outlive any order of destruction.
  static BlockCache& instance() {
    static auto* cache = new BlockCache;
    return *cache;
  }

  static std::size_t capacity_for(std::size_t bytes) {
    if (bytes <= 4096)
      return (bytes + kAlignment - 1) / kAlignment * kAlignment + (bytes == 0 ? kAlignment : 0);
    std::size_t step = std::size_t{512};
    while (step * 16 < bytes) step *= 2;
    return (bytes + step - 1) / step * step;
  }

  std::byte* take(std::size_t capacity) {
    {
      const std::lock_guard lock(mutex_);
      auto found = free_.find(capacity);
      if (found != free_.end() && !found->second.empty()) {
        std::byte* block = found->second.back();
        found->second.pop_back();
        use_.cached -= static_cast<std::int64_t>(capacity);
        count(capacity);
        return block;
      }
    }
    const std::size_t alignment = capacity >= kHugePage ? kHugePage : kAlignment;
    const std::size_t rounded = (capacity + alignment - 1) / alignment * alignment;
    void* block = std::aligned_alloc(alignment, rounded);
    if (block == nullptr) {
      release();
      block = std::aligned_alloc(alignment, rounded);
    }
    if (block == nullptr)
      throw Error(fmt::format("out of memory: a tensor of {} bytes was asked for", capacity));
    if (alignment == kHugePage) madvise(block, rounded, MADV_HUGEPAGE);
    const std::lock_guard lock(mutex_);
    count(capacity);
    return static_cast<std::byte*>(block);
  }

  void give_back(std::byte* block, std::size_t capacity) {
    const std::lock_guard lock(mutex_);
    free_[capacity].push_back(block);
    use_.current -= static_cast<std::int64_t>(capacity);
    use_.cached += static_cast<std::int64_t>(capacity);
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [capacity, blocks] : free_)
      for (std::byte* block : blocks) std::free(block);
    free_.clear();
    use_.cached = 0;
  }

  MemoryUse use() {
    const std::lock_guard lock(mutex_);
    return use_;
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    use_.peak = use_.current;
  }

 private:
  void count(std::size_t capacity) {
    use_.current += static_cast<std::int64_t>(capacity);
    if (use_.current > use_.peak) use_.peak = use_.current;
  }

  std::mutex mutex_;
  std::map<std::size_t, std::vector<std::byte*>> free_;
  MemoryUse use_;
};

}  // namespace

MemoryUse memory_use() {
  return BlockCache::instance().use();
}
void reset_peak_memory() {
  BlockCache::instance().reset_peak();
}
void release_cached_memory() {
  BlockCache::instance().release();
}

std::shared_ptr<Storage> Storage::allocate(std::size_t bytes) {
  if (bytes > std::size_t{1} << 46)
    throw Error(fmt::format("out of memory: a tensor of {} bytes was asked for", bytes));
  const std::size_t capacity = BlockCache::capacity_for(bytes);
  std::byte* data = BlockCache::instance().take(capacity);
  return std::shared_ptr<Storage>(new Storage(data, bytes, capacity, nullptr));
}

std::shared_ptr<Storage> Storage::refer(void* data, std::size_t bytes, std::shared_ptr<const void> owner) {
  return std::shared_ptr<Storage>(new Storage(static_cast<std::byte*>(data), bytes, 0, std::move(owner)));
}

Storage::~Storage() {
  if (capacity_ != 0) BlockCache::instance().give_back(data_, capacity_);
}

}  // namespace attend
