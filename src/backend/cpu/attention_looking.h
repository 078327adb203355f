#pragma once

// Which queries look at a key: the mask as passes over blocks of keys see it.

#include "backend/cpu/attention_scores.h"
#include "backend/cpu/block_product.h"

namespace attend::ATTEND_ISA {

/// The intervals of all queries of one batch row, in `memory` of kArrays * padded(queries) integers.
template <class C>
class LookingQueries {
 public:
  using Integer = typename VectorOf<C>::scalar_integer;
  static constexpr std::int64_t kArrays = 2;

  LookingQueries(const backend::AttentionShape& s, std::int64_t batch, Integer* memory)
      : s_(s), first_key_(memory), end_key_(memory + padded(s.queries)) {
    for (std::int64_t q = 0; q < padded(s_.queries); ++q) {
      // A query beyond the end looks at nothing.
      const IndexRange keys = q < s_.queries ? keys_of(s_, batch, q) : IndexRange{0, 0};
      first_key_[q] = static_cast<Integer>(keys.begin);
      end_key_[q] = static_cast<Integer>(keys.end);
    }
  }

  /// From the first to the last query of some whose interval reaches into these keys, on the bounds of
  /// panels; the first of them lies on such a bound.
  IndexRange queries_that_look(std::int64_t key, std::int64_t count, IndexRange queries) const {
    if (s_.place.first_key == nullptr) return {queries.begin, padded(queries.end)};
    const auto begin = static_cast<Integer>(key), end = static_cast<Integer>(key + count);
    const auto looks = [&](std::int64_t q) { return first_key_[q] < end && end_key_[q] > begin; };
    std::int64_t first = queries.begin, last = queries.end;
    while (first < last && !looks(first)) ++first;
    while (last > first && !looks(last - 1)) --last;
    const std::int64_t bound = s_.place.blocks == nullptr ? kPadding : backend::AttentionPlace::kBlock;
    return {first / bound * bound, padded(last)};
  }

  enum class Coverage : std::uint8_t { none, some, all };

  /// How many pairs of a block may look at each other.
  Coverage coverage(std::int64_t key, std::int64_t count, std::int64_t query, std::int64_t columns) const {
    constexpr std::int64_t kBlock = backend::AttentionPlace::kBlock;
    bool any = s_.place.first_key == nullptr, all = query + columns <= s_.queries;
    if (s_.place.first_key != nullptr) {
      const auto begin = static_cast<Integer>(key), end = static_cast<Integer>(key + count);
      for (std::int64_t q = query; q < query + columns; ++q) {
        any |= first_key_[q] < end && end_key_[q] > begin && first_key_[q] < end_key_[q];
        all &= first_key_[q] <= begin && end_key_[q] >= end;
      }
    }
    if (any && s_.place.blocks != nullptr) {
      any = false;
      for (std::int64_t q = query; q < min_integer(query + columns, s_.queries); q += kBlock) {
        const std::uint32_t block = mask_block(s_, q, key);
        any |= block != backend::AttentionPlace::kEmpty;
        all &= block == backend::AttentionPlace::kFull;
      }
    }
    return !any ? Coverage::none : all ? Coverage::all : Coverage::some;
  }

  /// Lanes of queries from `query` that may look at a key.
  IntegerVector<C> lanes_that_look(std::int64_t key, std::int64_t query) const {
    IntegerVector<C> begin, end;
    __builtin_memcpy(&begin, first_key_ + query, sizeof begin);
    __builtin_memcpy(&end, end_key_ + query, sizeof end);
    const IntegerVector<C> at = splat_integer<C>(key);
    IntegerVector<C> look = (begin <= at) & (at < end);
    if (s_.place.blocks != nullptr && query < s_.queries) {
      constexpr std::int64_t kBlock = backend::AttentionPlace::kBlock;
      const std::uint32_t block = mask_block(s_, query, key);
      if (block >= backend::AttentionPlace::kFirstBits)
        look &= mask_lanes<C>(
            s_.place.bits_by_key[(block - backend::AttentionPlace::kFirstBits) * kBlock + key % kBlock],
            query % kBlock);
      else if (block == backend::AttentionPlace::kEmpty)
        look = IntegerVector<C>{};
    }
    return look;
  }

 private:
  const backend::AttentionShape& s_;
  Integer *first_key_, *end_key_;
};

}  // namespace attend::ATTEND_ISA
