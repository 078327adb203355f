#pragma once

#include <span>

#include "attend/attention/attend.h"

namespace attend::attention {

/// The keys and values of one layer for the tokens seen so far, in memory for `capacity` tokens.
class KeyValueCache {
 public:
  /// Throws Error for sizes below 1 or a dtype that is not f32, bf16 or f64.
  KeyValueCache(std::int64_t batch, std::int64_t capacity, std::int64_t key_heads, std::int64_t head_dim,
                DType dtype);

  std::int64_t batch() const { return batch_; }
  std::int64_t length() const { return length_; }
  std::int64_t capacity() const { return keys_.dim(2); }
  /// Forgets all tokens after the first `length`.
  void truncate(std::int64_t length);
  /// Adds [batch, n, key heads, d] of each. Throws Error when they do not fit or the cache is full.
  void append(const Tensor& keys, const Tensor& values);
  /// Row i goes on with what row rows[i] holds; there may be more rows or fewer than before. Only rows that
  /// change are copied, in place unless there are more than ever before. Throws Error for no rows, or one
  /// that there is not.
  void reorder(std::span<const std::int32_t> rows);
  /// Views of what is filled: [batch, length, key heads, d].
  Tensor keys() const { return by_token(keys_, length_, 0); }
  Tensor values() const { return by_token(values_, length_, 0); }

 private:
  /// View of `count` tokens from `begin`: [batch, count, key heads, d].
  Tensor by_token(const Tensor& heads, std::int64_t count, std::int64_t begin) const;

  // [rows, key heads, capacity, d], whose first batch_ rows are in use: what one head reads lies in one
  // piece.
  Tensor keys_, values_;
  std::int64_t batch_ = 0, length_ = 0;
};

/// True when attending over a cache, token by token, gives what one causal pass over all tokens gives: which
/// keys a query may look at must not depend on how many tokens follow (as it does with a prefix), and all
/// keys must be in the cache as they are (not so with landmarks).
bool can_decode(const AttentionSpec& spec);

/// Attention of the newest queries [batch, n, heads, d] over a cache that already holds their keys and
/// values; query i is the token at place length - n + i. Off the tape. For few queries the work is reading
/// the cache once.
Tensor attend_cached(const Tensor& query, const KeyValueCache& cache, const AttentionSpec& spec,
                     const Run& run = {});

}  // namespace attend::attention
