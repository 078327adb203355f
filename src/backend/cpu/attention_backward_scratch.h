#pragma once

// What one thread holds while it computes the gradients of attention: memory grows with the keys of a slice,
// and with the queries only by two integers for each.

#include "backend/cpu/attention_additive.h"
#include "backend/cpu/attention_looking.h"
#include "backend/cpu/attention_scores.h"
#include "backend/cpu/block_pack.h"

namespace attend::ATTEND_ISA {

constexpr std::int64_t kKeyBlock = 64;
constexpr std::int64_t kQueryBlock = 128;
/// Queries that are packed at a time: with 64 dimensions five arrays of 256 KB in f32, which a second-level
/// cache holds.
constexpr std::int64_t kQueryChunk = 1024;

constexpr std::int64_t keys_of_a_slice(const backend::AttentionBackward& work) {
  const std::int64_t blocks = (work.shape.keys + kKeyBlock - 1) / kKeyBlock;
  return (blocks + work.slices - 1) / work.slices * kKeyBlock;
}

/// Everything of one slice of the keys of one head, and of one chunk of the queries of one head at a time.
template <class S>
struct BackwardScratch {
  using C = Compute<S>;
  using E = Packed<S>;
  using Integer = typename VectorOf<C>::scalar_integer;

  E *key_rows, *key_columns, *value_rows;  ///< A operands: [keys][dim], [dim][keys], [keys][value dim]
  E* rows;                                 ///< queries or output gradients as rows, before they are packed
  E *query_columns, *query_panels;         ///< B operands with k along dim and along queries
  E *gradient_columns, *gradient_panels;   ///< the same of the output gradients
  C *additive_rows, *additive_keys, *additive_queries;  ///< rows to be packed, rows and panels
  C* vector_sum;                                        ///< [dim][lanes]
  C *log_sum, *delta;                                   ///< for each query of the chunk
  Integer* looking;                                     ///< for each query of all
  C *scores, *weight_gradients;                         ///< [kKeyBlock][kQueryBlock]
  C *cap_slope, *function_slope;  ///< of one key and the queries of a block, where there are such
  E *weights, *score_gradients, *score_panels;  ///< A, A and B operands of the same block
  /// dK [keys][dim], [dim][keys] of an additive score, and dV [keys][value dim] over the heads of the group.
  C *key_sum, *value_sum;
  C* query_sum;  ///< dQ^T [dim][queries] of the chunk
  C* bias_sum;   ///< for each key
  std::uint16_t* mask;

  BackwardScratch(Arena& a, const backend::AttentionBackward& work) {
    const backend::AttentionShape& s = work.shape;
    const std::int64_t keys = padded(min_integer(s.keys, keys_of_a_slice(work))),
                       queries = min_integer(padded(s.queries), kQueryChunk), dim = padded(s.dim),
                       value_dim = padded(s.value_dim), block = kKeyBlock * kQueryBlock;
    const std::int64_t dot = is_additive(s) ? 0 : 1, additive = 1 - dot;
    const auto rows_to_copy = [](std::int64_t count, std::int64_t all, std::int64_t columns) {
      return always_in_place<S, E>(all, columns) ? 0 : count * padded(columns);
    };
    key_rows = a.take<E>(dot * rows_to_copy(keys, s.keys, s.dim));
    key_columns = a.take<E>(dot * dim * keys);
    value_rows = a.take<E>(rows_to_copy(keys, s.keys, s.value_dim));
    rows = a.take<E>(
        max_integer(rows_to_copy(queries, s.queries, s.dim), rows_to_copy(queries, s.queries, s.value_dim)));
    query_columns = a.take<E>(dot * queries * dim);
    query_panels = a.take<E>(dot * queries * dim);
    gradient_columns = a.take<E>(queries * value_dim);
    gradient_panels = a.take<E>(queries * value_dim);
    additive_rows = a.take<C>(additive * queries * dim);
    additive_keys = a.take<C>(additive * keys * dim);
    additive_queries = a.take<C>(additive * queries * dim);
    vector_sum = a.take<C>(additive * dim * kLanes<C>);
    log_sum = a.take<C>(queries);
    delta = a.take<C>(queries);
    looking = a.take<Integer>(LookingQueries<C>::kArrays * padded(s.queries));
    scores = a.take<C>(block);
    weight_gradients = a.take<C>(block);
    cap_slope = a.take<C>(s.soft_cap > 0 ? kQueryBlock : 0);
    function_slope = a.take<C>(s.function.function != nullptr ? kQueryBlock : 0);
    weights = a.take<E>(block);
    score_gradients = a.take<E>(dot * block);
    score_panels = a.take<E>(dot * block);
    key_sum = a.take<C>(keys * dim);
    value_sum = a.take<C>(keys * value_dim);
    query_sum = a.take<C>(work.slices > 1 ? 0 : dim * queries);
    bias_sum = a.take<C>(keys);
    mask = a.take<std::uint16_t>(s.dropout > 0 ? kDropoutTileWords * (kQueryBlock / kDropoutTile) : 0);
  }
};

}  // namespace attend::ATTEND_ISA
