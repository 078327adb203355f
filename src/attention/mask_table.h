#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "attend/attention/attend.h"
#include "backend/kernels/attention.h"

namespace attend::attention {

/// Place's masks as the kernels read them: an interval of keys for each query, and blocks of bits where
/// intervals are not enough. O(length) memory and the blocks that are neither empty nor full.
class MaskTable {
 public:
  /// Null when every query may look at every key. Blocks do not depend on the row of the batch and are kept
  /// from one call to the next. Throws Error for lengths or documents that do not fit, and for documents
  /// whose places do not lie together.
  static std::shared_ptr<const MaskTable> of(const Place& place, const Run& run, std::int64_t batch,
                                             std::int64_t queries, std::int64_t keys);

  backend::AttentionPlace view() const;

 private:
  struct Blocks {
    std::vector<std::uint32_t> kinds;
    std::vector<std::uint64_t> by_query, by_key;
  };
  static std::shared_ptr<const Blocks> blocks_of(const Place& place, std::int64_t queries, std::int64_t keys);
  static std::shared_ptr<const Blocks> kept_blocks_of(const Place& place, std::int64_t queries,
                                                      std::int64_t keys);

  std::vector<std::int32_t> first_key_, end_key_;
  std::int64_t row_stride_ = 0;
  std::shared_ptr<const Blocks> blocks_;
};

}  // namespace attend::attention
