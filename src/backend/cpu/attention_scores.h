#pragma once

// From dot products to scores: soft cap, biases, the user's function and the mask, for blocks of either
// orientation.

#include "backend/cpu/attention_block.h"
#include "backend/cpu/attention_dropout.h"

namespace attend::ATTEND_ISA {

/// Queries or keys from `begin` to the one before `end`.
struct IndexRange {
  std::int64_t begin, end;
};

/// The keys that one query may look at, whatever the blocks say.
inline IndexRange keys_of(const backend::AttentionShape& s, std::int64_t batch, std::int64_t query) {
  if (s.place.first_key == nullptr) return {0, s.keys};
  const std::int64_t i = batch * s.place.row_stride + query;
  return {s.place.first_key[i], s.place.end_key[i]};
}

/// What the blocks say of the one that holds this pair.
inline std::uint32_t mask_block(const backend::AttentionShape& s, std::int64_t query, std::int64_t key) {
  constexpr std::int64_t kBlock = backend::AttentionPlace::kBlock;
  return s.place.blocks == nullptr
             ? backend::AttentionPlace::kFull
             : s.place.blocks[query / kBlock * ((s.keys + kBlock - 1) / kBlock) + key / kBlock];
}

/// True when scores are more than scaled dot products.
inline bool is_modified(const backend::AttentionShape& s) {
  return s.soft_cap > 0 || s.key_bias != nullptr || s.distance_bias != nullptr ||
         s.function.function != nullptr;
}

/// What a score, or a dot product when nothing modifies it, is multiplied by in the exponent of 2.
template <class C>
C exponent_scale(const backend::AttentionShape& s) {
  return static_cast<C>((is_modified(s) ? 1.0 : s.scale) / s.temperature * 1.4426950408889634);
}

template <class C>
inline Vector<C> tanh_of(Vector<C> x) {
  // 1 - 2 / (1 + e^2x); beyond 30 the quotient is nothing.
  const Vector<C> e = exp2_of<C>(min_of(x * C(2 * 1.4426950408889634), splat(C(60))));
  return C(1) - C(2) / (C(1) + e);
}

/// cap(scale * x); `slope` becomes d cap(y) / dy at y = scale * x.
template <class C>
inline Vector<C> capped(Vector<C> x, C scale, C cap, C inverse_cap, Vector<C>& slope) {
  const Vector<C> t = tanh_of<C>(x * (scale * inverse_cap));
  slope = C(1) - t * t;
  return t * cap;
}

/// Dot products of one query with `count` keys from `key` become scores, before the mask.
template <class C>
void modify_by_query(const backend::AttentionShape& s, std::int64_t batch, std::int64_t head,
                     std::int64_t query, std::int64_t key, std::int64_t count, C* scores) {
  const C scale = static_cast<C>(s.scale), cap = static_cast<C>(s.soft_cap),
          inverse_cap = s.soft_cap > 0 ? C(1) / cap : C(0);
  const C* key_bias = s.key_bias == nullptr
                          ? nullptr
                          : static_cast<const C*>(s.key_bias) +
                                (batch * s.key_heads + head / (s.heads / s.key_heads)) * s.keys + key;
  const C* distance_bias = s.distance_bias == nullptr
                               ? nullptr
                               : static_cast<const C*>(s.distance_bias) + head * (s.queries + s.keys - 1) +
                                     key + s.queries - 1 - query;
  for_each_vector<C>(count, [&](std::int64_t j, std::int64_t n) {
    Vector<C> x = load_some(scores + j, n), slope;
    x = cap > C(0) ? capped<C>(x, scale, cap, inverse_cap, slope) : x * scale;
    if (key_bias != nullptr) x += load_some(key_bias + j, n);
    if (distance_bias != nullptr) x += load_some(distance_bias + j, n);
    store_some(scores + j, x, n);
  });
  if (s.function.function != nullptr)
    s.function.apply(s.function.function, {batch, head, query, key, 1, count, count, 1}, scores,
                     sizeof(C) == 8);
}

/// All ones in the lanes whose bit, counted from `first`, is set.
template <class C>
inline IntegerVector<C> mask_lanes(std::uint64_t bits, std::int64_t first) {
  return dropout_lanes<C>(static_cast<std::uint16_t>(bits >> first), 0);
}

/// Scores of pairs that may not look at each other become -infinity: those before `begin` and those whose bit
/// is not set. `columns` keys from `key`, a multiple of 64, of one query.
template <class C>
void mask_row(const backend::AttentionShape& s, std::int64_t query, std::int64_t key, std::int64_t columns,
              std::int64_t begin, C* scores) {
  constexpr std::int64_t kBlock = backend::AttentionPlace::kBlock;
  const Vector<C> never = splat(C(-__builtin_inf()));
  for (std::int64_t j = 0; j < begin; j += kLanes<C>) {
    const Vector<C> x = load(scores + j);
    store(scores + j, lane_numbers<C>() < splat_integer<C>(begin - j) ? never : x);
  }
  if (s.place.blocks == nullptr) return;
  for (std::int64_t first = 0; first < columns; first += kBlock) {
    const std::uint32_t block = mask_block(s, query, key + first);
    if (block < backend::AttentionPlace::kFirstBits) continue;
    const std::uint64_t bits =
        s.place.bits_by_query[(block - backend::AttentionPlace::kFirstBits) * kBlock + query % kBlock];
    const std::int64_t end = min_integer(columns, first + kBlock);
    for (std::int64_t j = first; j < end; j += kLanes<C>) {
      const Vector<C> x = load(scores + j);
      store(scores + j, mask_lanes<C>(bits, j - first) ? x : never);
    }
  }
}

/// The same for whole blocks that nothing is looked at in, where they are not skipped.
template <class C>
void mask_empty_blocks(const backend::AttentionShape& s, std::int64_t query, std::int64_t key,
                       std::int64_t columns, C* scores) {
  constexpr std::int64_t kBlock = backend::AttentionPlace::kBlock;
  for (std::int64_t first = 0; first < columns; first += kBlock) {
    if (mask_block(s, query, key + first) != backend::AttentionPlace::kEmpty) continue;
    for (std::int64_t j = first; j < min_integer(columns, first + kBlock); ++j)
      scores[j] = C(-__builtin_inf());
  }
}

/// The largest of `valid` scores, -infinity for none.
template <class C>
C row_maximum(const C* scores, std::int64_t valid) {
  Vector<C> best = splat(C(-__builtin_inf()));
  std::int64_t j = 0;
  for (; j + kLanes<C> <= valid; j += kLanes<C>) best = max_of(load(scores + j), best);
  if (j < valid) {
    const Vector<C> last = load(scores + j);
    best = lane_numbers<C>() < splat_integer<C>(valid - j) ? max_of(last, best) : best;
  }
  return max_lanes<C>(best);
}

/// 1 / (1 + 2^-x)
template <class S>
inline Vector<Compute<S>> sigmoid2_of(Vector<Compute<S>> x) {
  using C = Compute<S>;
  return C(1) / (C(1) + exp2_of<S>(min_of(-x, splat(C(126)))));
}

}  // namespace attend::ATTEND_ISA
