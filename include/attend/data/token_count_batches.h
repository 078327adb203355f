#pragma once

#include <cstdint>
#include <vector>

namespace attend::data {

/// Batches of records that are about equally long, so that little of a batch is padding. A batch of n records
/// whose longest has l tokens has n l <= `tokens`, or is one record alone. In each pass over the records
/// every record comes once; the batches of a pass come in a random order, and among records of the same
/// length chance decides which go together. Batch `index` is a function of lengths, tokens, seed and index
/// alone, so that training goes on where it was stopped.
class TokenCountBatches {
 public:
  /// Throws Error when there is no record, a length is below 0, or tokens is below 1.
  TokenCountBatches(std::vector<std::int32_t> lengths, std::int64_t tokens, std::uint64_t seed);

  /// Batches of one pass.
  std::int64_t batches() const { return static_cast<std::int64_t>(bounds_.size()) - 1; }

  /// The records of batch `index` >= 0; batches() and above belong to later passes. Fastest in order.
  std::vector<std::int64_t> batch(std::int64_t index);

  /// The same without chance, for evaluation: batch `index` < batches() of the records from short to long.
  std::vector<std::int64_t> in_order(std::int64_t index) const;

 private:
  void shuffle(std::int64_t pass);

  std::vector<std::int32_t> lengths_;
  std::uint64_t seed_;
  std::vector<std::uint32_t> sorted_;    // records by length
  std::vector<std::int64_t> bounds_;     // batch b is sorted_[bounds_[b]] to sorted_[bounds_[b + 1]]
  std::int64_t pass_ = -1;               // what the two below are for
  std::vector<std::uint32_t> shuffled_;  // sorted_, equal lengths in random order
  std::vector<std::uint32_t> order_;     // of the batches
};

}  // namespace attend::data
