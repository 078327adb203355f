#pragma once

// What passes over blocks of queries share: the packed keys and values of a head, and which keys come next.

#include "backend/cpu/attention_additive.h"
#include "backend/cpu/attention_scores.h"
#include "backend/cpu/block_pack.h"

namespace attend::ATTEND_ISA {

constexpr std::int64_t kForwardQueries = 128;  // of a block, at most
constexpr std::int64_t kForwardKeys = 512;     // that pass by it at a time, at most

/// Queries of a block. Large blocks read keys and values less often, but look at all keys that one of their
/// queries looks at, and leave fewer blocks to share among threads.
inline std::int64_t queries_of_block(const backend::AttentionShape& s) {
  constexpr std::int64_t kSmall = 64, kLongCausal = 2048, kManyBlocks = 16;
  const bool is_everywhere = s.place.blocks == nullptr && s.place.first_key == nullptr &&
                             (s.place.end_key == nullptr || s.keys >= kLongCausal);
  const bool are_many = s.batch * s.heads * (s.queries / kForwardQueries) >= kManyBlocks;
  return is_everywhere && are_many ? kForwardQueries : kSmall;
}

/// Rows that scratch memory of a block needs.
inline std::int64_t rows_of_block(const backend::AttentionShape& s) {
  constexpr std::int64_t kRows = 16;
  return (min_integer(queries_of_block(s), s.queries) + kRows - 1) / kRows * kRows;
}

/// From one row of scores to the next. Rows of few keys stand close: far apart, they would share few lines of
/// the cache.
inline std::int64_t score_stride(const backend::AttentionShape& s) {
  return min_integer(kForwardKeys, padded(s.keys));
}

template <class E>
struct PackedHead {
  E* keys;                    // B of query . key: depth is the padded head dimension, panels run over keys
  Compute<E>* additive_keys;  // the same panels for an additive score
  E* values;  // B of weights . values: depth is the padded number of keys, panels run over the value
              // dimension

  PackedHead(Arena& arena, const backend::AttentionShape& s)
      : keys(arena.take<E>(is_additive(s) ? 0 : padded(s.keys) * padded(s.dim))),
        additive_keys(arena.take<Compute<E>>(is_additive(s) ? padded(s.keys) * padded(s.dim) : 0)),
        values(arena.take<E>(padded(s.keys) * padded(s.value_dim))) {}
};

/// Additive scores of a block of rows [queries][dim], packed, with the keys `now`: scores
/// [queries][score_stride], zero where no query of a row's group looks. Row r looks at keys from[r]
/// to to[r].
template <class S>
void additive_block(const backend::AttentionShape& s, std::int64_t head, const Compute<S>* query,
                    std::int64_t padded_rows, const Compute<S>* keys, IndexRange now,
                    const std::int64_t* from, const std::int64_t* to, std::int64_t rows, Compute<S>* scores) {
  using C = Compute<S>;
  constexpr std::int64_t kGroup = 4;
  const std::int64_t width = padded(s.dim), columns = padded(now.end - now.begin), stride = score_stride(s);
  const AdditiveScore<S> score(s, head);
  for (std::int64_t r = 0; r < padded_rows; r += kGroup) {
    std::int64_t begin = now.end, end = now.begin;
    for (std::int64_t i = r; i < min_integer(r + kGroup, rows); ++i) {
      if (to[i] <= now.begin || from[i] >= now.end || from[i] >= to[i]) continue;
      begin = min_integer(begin, max_integer(from[i], now.begin));
      end = max_integer(end, min_integer(to[i], now.end));
    }
    C* block = scores + r * stride;
    for (std::int64_t i = 0; i < kGroup; ++i)
      __builtin_memset(block + i * stride, 0, static_cast<std::size_t>(columns) * sizeof(C));
    if (begin >= end) continue;
    const std::int64_t first = (begin - now.begin) / kPanel * kPanel,
                       last = (end - now.begin + kPanel - 1) / kPanel * kPanel;
    score.scores(query + r * width, kGroup, keys + (now.begin + first) * width, last - first, block + first,
                 stride);
  }
}

// The next keys from `key` on that some query of the block may look at: at most kForwardKeys of them, from a
// multiple of 64; none when there are no more before `end`.
inline IndexRange next_keys(const backend::AttentionShape& s, std::int64_t query, std::int64_t key,
                            std::int64_t end) {
  constexpr std::int64_t kBlock = backend::AttentionPlace::kBlock;
  const auto looked_at = [&](std::int64_t at) {
    return mask_block(s, query, at) != backend::AttentionPlace::kEmpty;
  };
  while (key < end && !looked_at(key)) key += kBlock;
  std::int64_t last = key;
  while (last < end && last < key + kForwardKeys && looked_at(last)) last += kBlock;
  return {key, min_integer(last, end)};
}

}  // namespace attend::ATTEND_ISA
