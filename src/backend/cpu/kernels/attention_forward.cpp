// Fused attention, forward (Dao, "FlashAttention-2", 2023): blocks of keys pass by a block of queries, whose
// running maximum and sum make the softmax exact, so that no [queries, keys] tensor is ever in memory.

#include "backend/cpu/attention_queries.h"
#include "backend/cpu/attention_statistics.h"
#include "backend/cpu/block_pack.h"
#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::AttentionForward;
using backend::AttentionShape;

template <class S>
struct Scratch {
  using C = Compute<S>;
  using E = Packed<S>;
  typename BlockOfQueries<S>::Memory queries;
  E* weights;
  C* scores;
  C* sum;  // of weights times values, for each query
  typename BlockStatistics<S>::Memory statistics;

  Scratch(Arena& arena, const AttentionForward& work) : Scratch(arena, work, work.shape) {}

 private:
  Scratch(Arena& arena, const AttentionForward& work, const AttentionShape& s)
      : queries(arena, s),
        weights(arena.take<E>(rows_of_block(s) * score_stride(s))),
        scores(arena.take<C>(rows_of_block(s) * score_stride(s))),
        sum(arena.take<C>(rows_of_block(s) * padded(s.value_dim))),
        statistics(arena, work) {}
};

// Scores of one query become weights 2^(score - maximum), zero from `valid` on. Returns their sum. Tells
// watch(first, score - maximum, weight) of each vector.
template <class S, class E, class C, class Watch>
C weigh_row(const C* scores, std::int64_t valid, std::int64_t width, C scale, C maximum, E* weights,
            Watch&& watch) {
  Vector<C> sum{};
  const Vector<C> factor = splat(scale), offset = splat(maximum);
  std::int64_t j = 0;
  for (; j + kLanes<C> <= valid; j += kLanes<C>) {
    const Vector<C> y = load(scores + j) * factor - offset, p = exp2_of<S>(y);
    sum += p;
    store(weights + j, p);
    watch(j, y, p);
  }
  if (j < valid) {
    const IntegerVector<C> counts = lane_numbers<C>() < splat_integer<C>(valid - j);
    const Vector<C> all = load(scores + j) * factor - offset, y = counts ? all : splat(C(-__builtin_inf()));
    Vector<C> p = exp2_of<S>(all);
    p = counts ? p : Vector<C>{};
    sum += p;
    store(weights + j, p);
    watch(j, y, p);
    j += kLanes<C>;
  }
  for (; j < width; j += kLanes<C>) store(weights + j, Vector<C>{});
  return sum_lanes<C>(sum);
}

// The same for weights that do not depend on each other: 1 / (1 + 2^-score).
template <class S, class E, class C>
void sigmoid_row(const C* scores, std::int64_t valid, std::int64_t width, C scale, C bias, E* weights) {
  std::int64_t j = 0;
  for (; j < valid; j += kLanes<C>) {
    const Vector<C> p = sigmoid2_of<S>(load(scores + j) * scale + bias);
    store(weights + j, lane_numbers<C>() < splat_integer<C>(valid - j) ? p : Vector<C>{});
  }
  for (; j < width; j += kLanes<C>) store(weights + j, Vector<C>{});
}

template <class C>
void scale_row(C* row, std::int64_t count, C factor) {
  for (std::int64_t j = 0; j < count; j += kLanes<C>) store(row + j, load(row + j) * factor);
}

template <class S>
class QueryBlock {
 public:
  using C = Compute<S>;
  using E = Packed<S>;

  QueryBlock(const AttentionForward& work, std::int64_t batch, std::int64_t head, std::int64_t block,
             const PackedHead<E>& other, const Scratch<S>& scratch)
      : work_(work),
        s_(work.shape),
        batch_(batch),
        head_(head),
        queries_(work.shape, work.query, batch, head, block, other, scratch.queries),
        other_(other),
        x_(scratch),
        statistics_(work, batch, head, block, queries_.rows, scratch.statistics) {}

  void run() {
    const C sink = s_.sink == nullptr ? C(-__builtin_inf())
                                      : static_cast<const C*>(s_.sink)[head_] * C(1.4426950408889634);
    for (std::int64_t r = 0; r < queries_.rows; ++r) {
      maximum_[r] = sink;
      total_[r] = s_.sink == nullptr ? C(0) : C(1);
    }
    for (IndexRange now = queries_.first_keys(); now.begin < now.end; now = queries_.keys_after(now)) {
      const std::int64_t columns = padded(now.end - now.begin), padded_rows = queries_.padded_rows;
      queries_.products(now, x_.scores);
      // Statistics want the weights again, before dropout, so each block has its own place then.
      E* weights = statistics_.is_wanted() ? statistics_.weights(now.begin) : x_.weights;
      for (std::int64_t r = 0; r < queries_.rows; ++r) {
        weigh(r, now, columns, weights + r * columns);
        const std::int64_t tile = r / kDropoutTile * kDropoutTile;
        if (s_.dropout > 0 && (r == tile + kDropoutTile - 1 || r == queries_.rows - 1))
          drop(tile, r + 1 - tile, now.begin, columns, weights);
      }
      for (std::int64_t i = queries_.rows * columns; i < padded_rows * columns; i += kLanes<C>)
        store(weights + i, Vector<C>{});
      if (s_.dropout > 0 && weights != x_.weights) {
        for (std::int64_t i = queries_.rows * columns; i < padded_rows * columns; i += kLanes<C>)
          store(x_.weights + i, Vector<C>{});
        weights = x_.weights;
      }
      product(weights, columns, Panels<E>{other_.values, padded(s_.keys)}, now.begin, 0, x_.sum, value_width_,
              padded_rows, value_width_, columns, started_);
      started_ = true;
    }
    C* log_sum = static_cast<C*>(work_.log_sum) + (batch_ * s_.heads + head_) * s_.queries + queries_.first;
    write(log_sum);
    if (statistics_.is_wanted()) statistics_.write(queries_, total_, log_sum);
  }

 private:
  // The weights of some queries of the block, some of them dropped, are written to where the product reads
  // them.
  void drop(std::int64_t first, std::int64_t rows, std::int64_t key, std::int64_t columns, const E* weights) {
    E* to = x_.weights + first * columns;
    if (weights != x_.weights)
      __builtin_memcpy(to, weights + first * columns, static_cast<std::size_t>(rows * columns) * sizeof(E));
    drop_weights<C>(s_, dropout_keys_, batch_, head_, queries_.first + first, rows, key, columns, to,
                    columns);
  }

  // Scores of query r become weights; what was summed before shrinks to the new maximum.
  void weigh(std::int64_t r, IndexRange now, std::int64_t columns, E* weights) {
    C* scores = x_.scores + r * score_stride(s_);
    const std::int64_t valid = queries_.modify(r, now, is_modified_, scores);
    if (valid == 0) {
      for (std::int64_t j = 0; j < columns; j += kLanes<C>) store(weights + j, Vector<C>{});
      if (statistics_.is_wanted()) statistics_.skip(r, now.begin);
      return;
    }
    if (s_.sigmoid) {
      sigmoid_row<S>(scores, valid, columns, scale2_, static_cast<C>(s_.sigmoid_bias * 1.4426950408889634),
                     weights);
      total_[r] = 1;
      return;
    }
    const C block_maximum = row_maximum(scores, valid) * scale2_;
    const C before = maximum_[r], maximum = block_maximum > before ? block_maximum : before;
    maximum_[r] = maximum;
    // Scores that are all -infinity weigh nothing; subtracting their maximum would make NaN of them.
    const C offset = maximum == C(-__builtin_inf()) ? C(0) : maximum;
    const C shrink = before == C(-__builtin_inf()) ? C(0) : exp2_scalar<C>(before - offset);
    C sum;
    if (statistics_.is_wanted()) {
      typename BlockStatistics<S>::Row row(statistics_, r, now.begin, offset);
      sum = weigh_row<S>(scores, valid, columns, scale2_, offset, weights, row);
      row.end(before, shrink, sum);
    } else {
      sum = weigh_row<S>(scores, valid, columns, scale2_, offset, weights,
                         [](std::int64_t, Vector<C>, Vector<C>) {});
    }
    total_[r] = total_[r] * shrink + sum;
    if (started_ && shrink != C(1)) scale_row(x_.sum + r * value_width_, value_width_, shrink);
  }

  void write(C* log_sum) {
    const C keep = static_cast<C>(1 / (1 - s_.dropout));
    for (std::int64_t r = 0; r < queries_.rows; ++r) {
      S* out = at<S>(work_.output, batch_, queries_.first + r, head_);
      // NaN scores leave a total that is NaN: it compares unequal to zero and goes on into the output.
      const bool nothing = !started_ || total_[r] == C(0);
      const C factor = nothing ? C(0) : s_.sigmoid ? keep : keep / total_[r];
      log_sum[r] = total_[r] == C(0) ? C(__builtin_inf())
                   : s_.sigmoid      ? C(0)
                                     : maximum_[r] + log2_scalar(total_[r]);
      const C* sum = x_.sum + r * value_width_;
      for_each_vector<C>(s_.value_dim, [&](std::int64_t j, std::int64_t n) {
        store_some(out + j, nothing ? Vector<C>{} : load_some(sum + j, n) * factor, n);
      });
    }
  }

  const AttentionForward& work_;
  const AttentionShape& s_;
  std::int64_t batch_, head_, value_width_ = padded(s_.value_dim);
  BlockOfQueries<S> queries_;
  const PackedHead<E>& other_;
  const Scratch<S>& x_;
  BlockStatistics<S> statistics_;
  PhiloxKeys dropout_keys_{s_.seed};
  // In units of log2: 2^(scale2 * q.k) = e^(scale * q.k).
  C scale2_ = exponent_scale<C>(s_);
  C maximum_[kForwardQueries], total_[kForwardQueries];
  bool started_ = false, is_modified_ = is_modified(s_);
};

template <class S>
void pack_of(const AttentionForward& work, std::int64_t batch, std::int64_t key_head, void* packed,
             void* memory) {
  using E = Packed<S>;
  const AttentionShape& s = work.shape;
  Arena packed_arena(packed);
  const PackedHead<E> to(packed_arena, s);
  const std::int64_t keys = padded(s.keys), width = padded(s.dim), value_width = padded(s.value_dim);
  if (is_additive(s)) {
    auto* rows = Arena(memory).take<Compute<S>>(keys * width);
    pack_additive_rows(s, work.key, batch, 0, s.keys, key_head, keys, rows);
    pack_additive_panels(s, rows, keys, to.additive_keys);
  }
  E* buffer = Arena(memory).take<E>(keys * max_integer(width, value_width));
  if (!is_additive(s))
    pack_transposed(padded_rows_of(at<S>(work.key, batch, 0, key_head), work.key.row_stride, s.keys, s.dim,
                                   buffer, keys, width),
                    keys, width, to.keys);
  if (work.value.data == nullptr) return;
  pack_panels(padded_rows_of(at<S>(work.value, batch, 0, key_head), work.value.row_stride, s.keys,
                             s.value_dim, buffer, keys, value_width),
              keys, value_width, to.values);
}

std::size_t packed_bytes(const AttentionShape& s) {
  Arena arena(nullptr);
  visit_floating(s.dtype, [&]<class S>() { PackedHead<Packed<S>>(arena, s); });
  return arena.used();
}

std::size_t forward_scratch_bytes(const AttentionForward& work) {
  const AttentionShape& s = work.shape;
  Arena arena(nullptr), rows(nullptr);
  visit_floating(s.dtype, [&]<class S>() {
    Scratch<S>(arena, work);
    // Additive keys are f32 where the values may be bf16.
    rows.take<Compute<S>>(padded(s.keys) * max_integer(padded(s.dim), padded(s.value_dim)));
  });
  return arena.used() > rows.used() ? arena.used() : rows.used();
}

void pack(const AttentionForward& work, std::int64_t batch, std::int64_t key_head, void* packed,
          void* scratch) {
  visit_floating(work.shape.dtype, [&]<class S>() { pack_of<S>(work, batch, key_head, packed, scratch); });
}

void forward_block(const AttentionForward& work, std::int64_t batch, std::int64_t head, std::int64_t block,
                   const void* packed, void* scratch) {
  visit_floating(work.shape.dtype, [&]<class S>() {
    Arena packed_arena(const_cast<void*>(packed)), arena(scratch);
    const PackedHead<Packed<S>> other(packed_arena, work.shape);
    const Scratch<S> memory(arena, work);
    const TileScope tiles;
    QueryBlock<S>(work, batch, head, block, other, memory).run();
  });
}

}  // namespace

void fill_forward(backend::AttentionKernels& kernels) {
  kernels.query_block = queries_of_block;
  kernels.packed_bytes = packed_bytes;
  kernels.pack = pack;
  kernels.forward_scratch_bytes = forward_scratch_bytes;
  kernels.forward_block = forward_block;
}

}  // namespace attend::ATTEND_ISA
