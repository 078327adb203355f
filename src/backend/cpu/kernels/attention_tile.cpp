// The weights of some queries, after the fact: with the saved log-sums those of any block are computed again,
// so that looking at a part needs memory for that part.

#include "backend/cpu/attention_queries.h"
#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::AttentionShape;
using backend::AttentionTile;

template <class S>
struct Scratch {
  typename BlockOfQueries<S>::Memory queries;
  Compute<S>* scores;

  Scratch(Arena& arena, const AttentionShape& s)
      : queries(arena, s), scores(arena.take<Compute<S>>(rows_of_block(s) * score_stride(s))) {}
};

template <class S>
void tile_of(const AttentionTile& work, std::int64_t batch, std::int64_t head, std::int64_t block,
             const PackedHead<Packed<S>>& other, const Scratch<S>& x) {
  using C = Compute<S>;
  const AttentionShape& s = work.shape;
  const BlockOfQueries<S> queries(s, work.query, batch, head, block, other, x.queries);
  const C* log_sum =
      static_cast<const C*>(work.log_sum) + (batch * s.heads + head) * s.queries + queries.first;
  const C scale2 = exponent_scale<C>(s), sigmoid_bias = static_cast<C>(s.sigmoid_bias * 1.4426950408889634);
  for (IndexRange now = queries.first_keys(); now.begin < now.end; now = queries.keys_after(now)) {
    queries.products(now, x.scores);
    for (std::int64_t r = 0; r < queries.rows; ++r) {
      C* scores = x.scores + r * score_stride(s);
      const std::int64_t valid = queries.modify(r, now, is_modified(s), scores);
      // Infinite for a query that looks at nothing.
      if (log_sum[r] == C(__builtin_inf())) continue;
      C* weights =
          static_cast<C*>(work.weights) + (queries.first + r - work.first_query) * s.keys + now.begin;
      for_each_vector<C>(valid, [&](std::int64_t j, std::int64_t n) {
        const Vector<C> y = load_some(scores + j, n) * scale2;
        store_some(weights + j, s.sigmoid ? sigmoid2_of<S>(y + sigmoid_bias) : exp2_of<S>(y - log_sum[r]), n);
      });
    }
  }
}

std::size_t tile_scratch_bytes(const AttentionShape& s) {
  Arena arena(nullptr);
  visit_floating(s.dtype, [&]<class S>() { Scratch<S>(arena, s); });
  return arena.used();
}

void tile_block(const AttentionTile& work, std::int64_t batch, std::int64_t head, std::int64_t block,
                const void* packed, void* memory) {
  visit_floating(work.shape.dtype, [&]<class S>() {
    Arena packed_arena(const_cast<void*>(packed)), arena(memory);
    const PackedHead<Packed<S>> other(packed_arena, work.shape);
    const Scratch<S> scratch(arena, work.shape);
    const TileScope tiles;
    tile_of<S>(work, batch, head, block, other, scratch);
  });
}

}  // namespace

void fill_tile(backend::AttentionKernels& kernels) {
  kernels.tile_scratch_bytes = tile_scratch_bytes;
  kernels.tile_block = tile_block;
}

}  // namespace attend::ATTEND_ISA
