// Fused attention, forward (Dao, "FlashAttention-2", 2023): blocks of keys pass by a block of queries, whose
// running maximum and sum make the softmax exact, so that no [queries, keys] tensor is ever in memory.

#include "backend/cpu/attention_packed.h"
#include "backend/cpu/attention_scores.h"
#include "backend/cpu/block_pack.h"
#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::AttentionForward;
using backend::AttentionShape;

constexpr std::int64_t kQueryBlock = kForwardQueries;
constexpr std::int64_t kKeyBlock = kForwardKeys;

template <class E, class C>
struct Scratch {
  E* query;
  C* additive_query;
  E* weights;
  C* scores;
  C* sum;  // of weights times values, for each query

  Scratch(Arena& arena, const AttentionShape& s)
      : query(arena.take<E>(kQueryBlock * padded(s.dim))),
        additive_query(arena.take<C>(is_additive(s) ? kQueryBlock * padded(s.dim) : 0)),
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
             const PackedHead<E>& other, const Scratch<E, C>& scratch)
      : work_(work),
        s_(work.shape),
        batch_(batch),
        head_(head),
        first_(block * kQueryBlock),
        rows_(min_integer(kQueryBlock, s_.queries - first_)),
        other_(other),
        x_(scratch) {}

  void run() {
    const std::int64_t width = padded(s_.dim);
    Rows<E> query{};
    if (is_additive(s_))
      pack_additive_rows(s_, work_.query, batch_, first_, rows_, head_, padded_rows_, x_.additive_query);
    else
      query = padded_rows_of(at<S>(work_.query, batch_, first_, head_), work_.query.row_stride, rows_, s_.dim,
                             x_.query, padded_rows_, width);
    std::int64_t begin = s_.keys, end = 0;
    const C sink = s_.sink == nullptr ? C(0) : static_cast<const C*>(s_.sink)[head_] * C(1.4426950408889634);
    for (std::int64_t r = 0; r < rows_; ++r) {
      const KeyRange keys = keys_of(s_, batch_, first_ + r);
      from_[r] = keys.begin;
      to_[r] = keys.end;
      if (keys.begin < keys.end) {
        begin = min_integer(begin, keys.begin);
        end = max_integer(end, keys.end);
      }
      maximum_[r] = s_.sink == nullptr ? C(-__builtin_inf()) : sink;
      total_[r] = s_.sink == nullptr ? C(0) : C(1);
    }
    KeyRange now =
        next_keys(s_, first_, begin / backend::AttentionPlace::kBlock * backend::AttentionPlace::kBlock, end);
    for (; now.begin < now.end; now = next_keys(s_, first_, now.end, end)) {
      const std::int64_t count = now.end - now.begin, columns = padded(count);
      if (is_additive(s_))
        additive_block<S>(s_, head_, x_.additive_query, padded_rows_, other_.additive_keys, now, from_, to_,
                          rows_, x_.scores);
      else
        product(query.data, query.stride, Panels<E>{other_.keys, width}, 0, now.begin, x_.scores, kKeyBlock,
                padded_rows_, columns, width, false);
      for (std::int64_t r = 0; r < rows_; ++r) weigh(r, now.begin, count, columns);
      for (std::int64_t r = rows_; r < padded_rows_; ++r)
        for (std::int64_t j = 0; j < columns; j += kLanes<C>)
          store(x_.weights + r * kKeyBlock + j, Vector<C>{});
      if (s_.dropout > 0)
        drop_weights<C>(s_, batch_, head_, first_, rows_, now.begin, columns, x_.weights, kKeyBlock);
      product(x_.weights, kKeyBlock, Panels<E>{other_.values, padded(s_.keys)}, now.begin, 0, x_.sum,
              value_width_, padded_rows_, value_width_, columns, started_);
      started_ = true;
    }
    write();
  }

 private:
  // Scores of query r over `count` keys from `key` become weights; what was summed before shrinks to the new
  // maximum.
  void weigh(std::int64_t r, std::int64_t key, std::int64_t count, std::int64_t columns) {
    C* scores = x_.scores + r * kKeyBlock;
    E* weights = x_.weights + r * kKeyBlock;
    const std::int64_t valid = max_integer(0, min_integer(count, to_[r] - key)),
                       masked = min_integer(valid, from_[r] - key);
    if (valid == 0) {
      for (std::int64_t j = 0; j < columns; j += kLanes<C>) store(weights + j, Vector<C>{});
      return;
    }
    if (is_modified_) modify_by_query<C>(s_, batch_, head_, first_ + r, key, count, scores);
    if (masked > 0 || s_.place.blocks != nullptr) mask_row<C>(s_, first_ + r, key, valid, masked, scores);
    if (s_.sigmoid) {
      sigmoid_row<S>(scores, valid, columns, scale2_, static_cast<C>(s_.sigmoid_bias * 1.4426950408889634),
                     weights);
      total_[r] = 1;
      return;
    }
    const C block_maximum = row_maximum(scores, valid) * scale2_;
    const C before = maximum_[r], now = block_maximum > before ? block_maximum : before;
    maximum_[r] = now;
    // Scores that are all -infinity weigh nothing; subtracting their maximum would make NaN of them.
    const C offset = now == C(-__builtin_inf()) ? C(0) : now;
    const C shrink = before == C(-__builtin_inf()) ? C(0) : exp2_scalar<C>(before - offset);
    total_[r] = total_[r] * shrink + weigh_row<S>(scores, valid, columns, scale2_, offset, weights);
    if (started_ && shrink != C(1)) scale_row(x_.sum + r * value_width_, value_width_, shrink);
  }

  void write() {
    const C keep = static_cast<C>(1 / (1 - s_.dropout));
    C* log_sum = static_cast<C*>(work_.log_sum) + (batch_ * s_.heads + head_) * s_.queries + first_;
    for (std::int64_t r = 0; r < rows_; ++r) {
      S* out = at<S>(work_.output, batch_, first_ + r, head_);
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
  std::int64_t batch_, head_, first_, rows_;
  std::int64_t padded_rows_ = (rows_ + 15) / 16 * 16, value_width_ = padded(s_.value_dim);
  const PackedHead<E>& other_;
  const Scratch<E, C>& x_;
  // In units of log2: 2^(scale2 * q.k) = e^(scale * q.k).
  C scale2_ = exponent_scale<C>(s_);
  C maximum_[kQueryBlock], total_[kQueryBlock];
  std::int64_t from_[kQueryBlock], to_[kQueryBlock];
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

std::size_t forward_scratch_bytes(const AttentionShape& s) {
  Arena arena(nullptr), rows(nullptr);
  visit_floating(s.dtype, [&]<class S>() {
    Scratch<Packed<S>, Compute<S>>(arena, s);
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
    const Scratch<Packed<S>, Compute<S>> memory(arena, work.shape);
    const TileScope tiles;
    QueryBlock<S>(work, batch, head, block, other, memory).run();
  });
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
