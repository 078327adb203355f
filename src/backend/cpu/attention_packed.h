#pragma once

// What passes over blocks of queries share: the packed keys and values of a head, and which keys come next.

#include "backend/cpu/attention_scores.h"
#include "backend/cpu/block_pack.h"

namespace attend::ATTEND_ISA {

constexpr std::int64_t kForwardQueries = 64;  // of a block
constexpr std::int64_t kForwardKeys = 256;    // that pass by it at a time, at most

template <class E>
struct PackedHead {
  E* keys;    // B of query . key: depth is the padded head dimension, panels run over keys
  E* values;  // B of weights . values: depth is the padded number of keys, panels run over the value
              // dimension

  PackedHead(Arena& arena, const backend::AttentionShape& s)
      : keys(arena.take<E>(padded(s.keys) * padded(s.dim))),
        values(arena.take<E>(padded(s.keys) * padded(s.value_dim))) {}
};

// The next keys from `key` on that some query of the block may look at: at most kForwardKeys of them, from a
// multiple of 64; none when there are no more before `end`.
inline KeyRange next_keys(const backend::AttentionShape& s, std::int64_t query, std::int64_t key,
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
