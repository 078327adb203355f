#pragma once

#include <cstdint>
#include <vector>

#include "attend/attention/attend.h"

namespace attend::attention {

/// The definition of Place's masks for one batch row: which pairs may look at each other. Made once for a
/// call, because block-sparse masks draw their random blocks first.
class Pairs {
 public:
  /// Throws Error when lengths or documents do not fit. `place` is valid (attention/validate.h).
  Pairs(const Place& place, const Run& run, std::int64_t batch, std::int64_t queries, std::int64_t keys);

  bool allows(std::int64_t query, std::int64_t key) const;

 private:
  bool local(std::int64_t place, std::int64_t key) const;
  bool in_blocks(std::int64_t place, std::int64_t key) const;

  const Place& place_;
  std::int64_t reach_, length_;
  const std::int32_t *documents_ = nullptr, *key_documents_ = nullptr;
  std::vector<std::vector<std::int64_t>> random_blocks_;
};

/// True when the mask of a row depends on the row of the batch.
bool masks_differ_by_row(const Run& run);
/// True when every query may look at every key.
bool allows_all(const Place& place, const Run& run);

}  // namespace attend::attention
