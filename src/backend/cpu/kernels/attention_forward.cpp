// Fused attention, forward (Dao, "FlashAttention-2", 2023): blocks of keys pass by a block of queries, whose
// running maximum and sum make the softmax exact, so that no [queries, keys] tensor is ever in memory.

#include "backend/cpu/attention_block.h"
#include "backend/cpu/attention_dropout.h"
#include "backend/cpu/block_pack.h"
#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::AttentionForward;
using backend::AttentionShape;

constexpr std::int64_t kQueryBlock = 64;
constexpr std::int64_t kKeyBlock = 256;

template <class E>
struct PackedHead {
  E* keys;    // B of query . key: depth is the padded head dimension, panels run over keys
  E* values;  // B of weights . values: depth is the padded number of keys, panels run over the value
              // dimension

  PackedHead(Arena& arena, const AttentionShape& s)
      : keys(arena.take<E>(padded(s.keys) * padded(s.dim))),
        values(arena.take<E>(padded(s.keys) * padded(s.value_dim))) {}
};

template <class E, class C>
struct Scratch {
  E* query;
  E* weights;
  C* scores;
  C* sum;  // of weights times values, for each query

  Scratch(Arena& arena, const AttentionShape& s)
      : query(arena.take<E>(kQueryBlock * padded(s.dim))),
        weights(arena.take<E>(kQueryBlock * kKeyBlock)),
        scores(arena.take<C>(kQueryBlock * kKeyBlock)),
        sum(arena.take<C>(kQueryBlock * padded(s.value_dim))) {}
};

// Scores of one query become weights 2^(score - maximum), zero from `valid` on. Returns their sum.
template <class S, class E, class C>
C weigh_row(const C* scores, std::int64_t valid, std::int64_t width, C scale, C maximum, E* weights) {
  Vector<C> sum{};
  const Vector<C> factor = splat(scale), offset = splat(maximum);
  std::int64_t j = 0;
  for (; j + kLanes<C> <= valid; j += kLanes<C>) {
    const Vector<C> p = exp2_of<S>(load(scores + j) * factor - offset);
    sum += p;
    store(weights + j, p);
  }
  if (j < valid) {
    Vector<C> p = exp2_of<S>(load(scores + j) * factor - offset);
    p = lane_numbers<C>() < splat_integer<C>(valid - j) ? p : Vector<C>{};
    sum += p;
    store(weights + j, p);
    j += kLanes<C>;
  }
  for (; j < width; j += kLanes<C>) store(weights + j, Vector<C>{});
  return sum_lanes<C>(sum);
}

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

template <class C>
void scale_row(C* row, std::int64_t count, C factor) {
  for (std::int64_t j = 0; j < count; j += kLanes<C>) store(row + j, load(row + j) * factor);
}

template <class S>
void forward_block_of(const AttentionForward& work, std::int64_t batch, std::int64_t head, std::int64_t block,
                      const void* packed, void* memory) {
  using C = Compute<S>;
  using E = Packed<S>;
  const AttentionShape& s = work.shape;
  Arena packed_arena(const_cast<void*>(packed));
  const PackedHead<E> other(packed_arena, s);
  Arena arena(memory);
  const Scratch<E, C> scratch(arena, s);
  const TileScope tiles;

  const std::int64_t first = block * kQueryBlock, rows = min_integer(kQueryBlock, s.queries - first);
  const std::int64_t padded_rows = (rows + 15) / 16 * 16, width = padded(s.dim),
                     value_width = padded(s.value_dim);
  const std::int64_t reach = s.keys - s.queries;  // query i sees keys up to i + reach when causal
  const std::int64_t keys = s.causal ? max_integer(0, min_integer(s.keys, first + rows + reach)) : s.keys;
  const Rows<E> query = padded_rows_of(at<S>(work.query, batch, first, head), work.query.row_stride, rows,
                                       s.dim, scratch.query, padded_rows, width);

  // In units of log2: 2^(scale2 * q.k) = e^(scale * q.k).
  const C scale2 = static_cast<C>(s.scale * 1.4426950408889634);
  C maximum[kQueryBlock], total[kQueryBlock];
  for (std::int64_t r = 0; r < kQueryBlock; ++r) {
    maximum[r] = C(-__builtin_inf());
    total[r] = 0;
  }
  for (std::int64_t key = 0; key < keys; key += kKeyBlock) {
    const std::int64_t count = min_integer(kKeyBlock, keys - key), columns = padded(count);
    product(query.data, query.stride, Panels<E>{other.keys, width}, 0, key, scratch.scores, kKeyBlock,
            padded_rows, columns, width, false);
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t valid =
          s.causal ? max_integer(0, min_integer(count, first + r + reach + 1 - key)) : count;
      C* scores = scratch.scores + r * kKeyBlock;
      E* weights = scratch.weights + r * kKeyBlock;
      if (valid == 0) {
        for (std::int64_t j = 0; j < columns; j += kLanes<C>) store(weights + j, Vector<C>{});
        continue;
      }
      const C block_maximum = row_maximum(scores, valid) * scale2;
      const C before = maximum[r], now = block_maximum > before ? block_maximum : before;
      maximum[r] = now;
      // Scores that are all -infinity weigh nothing; subtracting their maximum would make NaN of them.
      const C offset = now == C(-__builtin_inf()) ? C(0) : now;
      const C shrink = before == C(-__builtin_inf()) ? C(0) : exp2_scalar<C>(before - offset);
      total[r] = total[r] * shrink + weigh_row<S>(scores, valid, columns, scale2, offset, weights);
      if (key > 0 && shrink != C(1)) scale_row(scratch.sum + r * value_width, value_width, shrink);
    }
    for (std::int64_t r = rows; r < padded_rows; ++r)
      for (std::int64_t j = 0; j < columns; j += kLanes<C>)
        store(scratch.weights + r * kKeyBlock + j, Vector<C>{});
    if (s.dropout > 0) drop_weights<C>(s, batch, head, first, rows, key, columns, scratch.weights, kKeyBlock);
    product(scratch.weights, kKeyBlock, Panels<E>{other.values, padded(s.keys)}, key, 0, scratch.sum,
            value_width, padded_rows, value_width, columns, key > 0);
  }

  const C keep = static_cast<C>(1 / (1 - s.dropout));
  C* log_sum = static_cast<C*>(work.log_sum) + (batch * s.heads + head) * s.queries + first;
  for (std::int64_t r = 0; r < rows; ++r) {
    S* out = at<S>(work.output, batch, first + r, head);
    // NaN scores leave a total that is NaN: it compares unequal to zero and goes on into the output.
    const bool nothing = keys == 0 || total[r] == C(0);
    const C factor = nothing ? C(0) : keep / total[r];
    log_sum[r] = nothing ? C(__builtin_inf()) : maximum[r] + log2_scalar(total[r]);
    const C* sum = scratch.sum + r * value_width;
    for_each_vector<C>(s.value_dim, [&](std::int64_t j, std::int64_t n) {
      store_some(out + j, nothing ? Vector<C>{} : load_some(sum + j, n) * factor, n);
    });
  }
}

template <class S>
void pack_of(const AttentionForward& work, std::int64_t batch, std::int64_t key_head, void* packed,
             void* memory) {
  using E = Packed<S>;
  const AttentionShape& s = work.shape;
  Arena packed_arena(packed);
  const PackedHead<E> to(packed_arena, s);
  const std::int64_t keys = padded(s.keys), width = padded(s.dim), value_width = padded(s.value_dim);
  E* buffer = Arena(memory).take<E>(keys * max_integer(width, value_width));
  pack_transposed(padded_rows_of(at<S>(work.key, batch, 0, key_head), work.key.row_stride, s.keys, s.dim,
                                 buffer, keys, width),
                  keys, width, to.keys);
  pack_panels(padded_rows_of(at<S>(work.value, batch, 0, key_head), work.value.row_stride, s.keys,
                             s.value_dim, buffer, keys, value_width),
              keys, value_width, to.values);
}

std::size_t packed_bytes(const AttentionShape& s) {
  Arena arena(nullptr);
  visit_floating(s.dtype, [&]<class S>() { PackedHead<Packed<S>>(arena, s); });
  return arena.used();
}

std::size_t forward_scratch_bytes(const AttentionShape& s) {
  Arena arena(nullptr), rows(nullptr);
  visit_floating(s.dtype, [&]<class S>() {
    Scratch<Packed<S>, Compute<S>>(arena, s);
    rows.take<Packed<S>>(padded(s.keys) * max_integer(padded(s.dim), padded(s.value_dim)));
  });
  return arena.used() > rows.used() ? arena.used() : rows.used();
}

void pack(const AttentionForward& work, std::int64_t batch, std::int64_t key_head, void* packed,
          void* scratch) {
  visit_floating(work.shape.dtype, [&]<class S>() { pack_of<S>(work, batch, key_head, packed, scratch); });
}

void forward_block(const AttentionForward& work, std::int64_t batch, std::int64_t head, std::int64_t block,
                   const void* packed, void* scratch) {
  visit_floating(work.shape.dtype,
                 [&]<class S>() { forward_block_of<S>(work, batch, head, block, packed, scratch); });
}

}  // namespace

void fill_forward(backend::AttentionKernels& kernels) {
  kernels.query_block = kQueryBlock;
  kernels.packed_bytes = packed_bytes;
  kernels.pack = pack;
  kernels.forward_scratch_bytes = forward_scratch_bytes;
  kernels.forward_block = forward_block;
}

}  // namespace attend::ATTEND_ISA
