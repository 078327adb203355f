#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attend/tensor/tensor.h"

namespace attend::nn {

/// Which row of a memory each row of a batch looks at: while hypotheses of one sentence are written, they
/// share its memory. Rows of one memory become queries of one row, which is possible because
/// cross-attention does not depend on places.
class RowGroups {
 public:
  /// Row i looks at memory row memory_of_row[i]. Throws Error for no rows, and for a memory row outside
  /// [0, memories).
  RowGroups(std::vector<std::int32_t> memory_of_row, std::int64_t memories);
  /// Row i looks at memory row i.
  static RowGroups one_to_one(std::int64_t rows);

  struct Reordered;
  /// Row i goes on with what row rows[i] was; there may be more rows or fewer. Throws Error for no rows, or
  /// one that there is not.
  Reordered reordered(std::span<const std::int32_t> rows) const;

  std::int64_t rows() const { return static_cast<std::int64_t>(memory_of_row_.size()); }
  std::int64_t memories() const { return memories_; }
  std::span<const std::int32_t> memory_of_row() const { return memory_of_row_; }
  bool is_one_to_one() const { return most_ == 1 && is_even_; }

  /// x [rows, n, ...] to [memories, m n, ...], m the most rows that one memory has; places without a row
  /// repeat one. Off the tape.
  Tensor grouped(const Tensor& x) const;
  /// The way back: [memories, m n, ...] to [rows, n, ...].
  Tensor ungrouped(const Tensor& x) const;
  /// The same for weights [memories, heads, m n, keys], to [rows, heads, n, keys].
  Tensor ungrouped_weights(const Tensor& weights) const;

 private:
  std::vector<std::int32_t> memory_of_row_;
  std::int64_t memories_, most_ = 0;
  /// Every memory has `most_` rows, and they stand in the order of the memories.
  bool is_even_ = true;
  Tensor row_of_place_, place_of_row_;  // i32 [memories m], [rows]
};

struct RowGroups::Reordered {
  RowGroups groups;
  /// The memories that are still looked at, in their order: row i of the memory that `groups` counts by is
  /// what row kept[i] was.
  std::vector<std::int32_t> kept;
};

}  // namespace attend::nn
