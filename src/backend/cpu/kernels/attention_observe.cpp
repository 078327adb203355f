// What attention looked at, after the fact: with the saved log-sums the weights of any block are computed
// again and counted, so that statistics of all pairs need memory for one block only.

#include "backend/cpu/attention_packed.h"
#include "backend/cpu/kernels/table.h"
#include "backend/kernels/attention_top.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::AttentionObserve;
using backend::AttentionShape;

template <class E, class C>
struct Scratch {
  E* query;
  C* additive_query;
  C* scores;
  C* mass;  // of the keys that pass by
  C* top_weights;
  std::int32_t* top_keys;

  Scratch(Arena& arena, const AttentionShape& s, std::int64_t top)
      : query(arena.take<E>(kForwardQueries * padded(s.dim))),
        additive_query(arena.take<C>(is_additive(s) ? kForwardQueries * padded(s.dim) : 0)),
        scores(arena.take<C>(kForwardQueries * kForwardKeys)),
        mass(arena.take<C>(kForwardKeys)),
        top_weights(arena.take<C>(kForwardQueries * top)),
        top_keys(arena.take<std::int32_t>(kForwardQueries * top)) {}
};

template <class S>
class ObservedBlock {
 public:
  using C = Compute<S>;
  using E = Packed<S>;

  ObservedBlock(const AttentionObserve& work, std::int64_t batch, std::int64_t head, std::int64_t block,
                std::int64_t slice, const PackedHead<E>& other, const Scratch<E, C>& scratch)
      : work_(work),
        s_(work.shape),
        batch_(batch),
        head_(head),
        first_(block * kForwardQueries),
        rows_(min_integer(kForwardQueries, s_.queries - first_)),
        other_(other),
        x_(scratch),
        log_sum_(static_cast<const C*>(work.log_sum) + (batch * s_.heads + head) * s_.queries + first_),
        mass_(work.mass == nullptr ? nullptr
                                   : static_cast<C*>(work.mass) +
                                         ((batch * s_.heads + head) * work.slices + slice) * s_.keys) {}

  void run() {
    const std::int64_t width = padded(s_.dim), padded_rows = (rows_ + 15) / 16 * 16;
    Rows<E> query{};
    if (is_additive(s_))
      pack_additive_rows(s_, work_.query, batch_, first_, rows_, head_, padded_rows, x_.additive_query);
    else
      query = padded_rows_of(at<S>(work_.query, batch_, first_, head_), work_.query.row_stride, rows_, s_.dim,
                             x_.query, padded_rows, width);
    std::int64_t begin = s_.keys, end = 0;
    for (std::int64_t r = 0; r < rows_; ++r) {
      const KeyRange keys = keys_of(s_, batch_, first_ + r);
      from_[r] = keys.begin;
      to_[r] = keys.end;
      if (keys.begin < keys.end) {
        begin = min_integer(begin, keys.begin);
        end = max_integer(end, keys.end);
      }
      entropy_[r] = distance_[r] = 0;
      for (std::int64_t i = 0; i < work_.top; ++i) {
        x_.top_weights[r * work_.top + i] = 0;
        x_.top_keys[r * work_.top + i] = -1;
      }
    }
    constexpr std::int64_t kBlock = backend::AttentionPlace::kBlock;
    KeyRange now = next_keys(s_, first_, begin / kBlock * kBlock, end);
    for (; now.begin < now.end; now = next_keys(s_, first_, now.end, end)) {
      const std::int64_t count = now.end - now.begin;
      if (is_additive(s_))
        additive_block<S>(s_, head_, x_.additive_query, padded_rows, other_.additive_keys, now, from_, to_,
                          rows_, x_.scores);
      else
        product(query.data, query.stride, Panels<E>{other_.keys, width}, 0, now.begin, x_.scores,
                kForwardKeys, padded_rows, padded(count), width, false);
      if (mass_ != nullptr)
        for (std::int64_t j = 0; j < kForwardKeys; j += kLanes<C>) store(x_.mass + j, Vector<C>{});
      for (std::int64_t r = 0; r < rows_; ++r) count_row(r, now.begin, count);
      if (mass_ != nullptr)
        for (std::int64_t j = 0; j < count; ++j) mass_[now.begin + j] += x_.mass[j];
    }
    write();
  }

 private:
  void count_row(std::int64_t r, std::int64_t key, std::int64_t count) {
    C* scores = x_.scores + r * kForwardKeys;
    const std::int64_t valid = max_integer(0, min_integer(count, to_[r] - key)),
                       masked = min_integer(valid, from_[r] - key);
    // Infinite for a query that looks at nothing.
    const C log_sum = log_sum_[r];
    if (valid == 0 || log_sum == C(__builtin_inf())) return;
    if (is_modified(s_)) modify_by_query<C>(s_, batch_, head_, first_ + r, key, count, scores);
    if (masked > 0 || s_.place.blocks != nullptr) mask_row<C>(s_, first_ + r, key, valid, masked, scores);
    const Vector<C> sigmoid_bias = splat(static_cast<C>(s_.sigmoid_bias * 1.4426950408889634));
    const bool sigmoid = s_.sigmoid;
    Vector<C> entropy{}, distance{};
    Vector<C> away = splat(static_cast<C>(key - (first_ + r + s_.keys - s_.queries)));
    for (int i = 0; i < kLanes<C>; ++i) away[i] += static_cast<C>(i);
    for (std::int64_t j = 0; j < valid; j += kLanes<C>, away += C(kLanes<C>)) {
      // So low that it weighs nothing, and finite, so that nothing times it is nothing.
      const Vector<C> x = max_of(load(scores + j) * scale2_, splat(C(-20000)));
      Vector<C> p = sigmoid ? sigmoid2_of<S>(x + sigmoid_bias) : exp2_of<S>(x - log_sum);
      if (j + kLanes < C >> valid) p = lane_numbers<C>() < splat_integer<C>(valid - j) ? p : Vector<C>{};
      entropy += sigmoid ? Vector<C>{} : p * (log_sum - x);
      distance += p * max_of(away, -away);
      if (mass_ != nullptr) store(x_.mass + j, load(x_.mass + j) + p);
      if (work_.weights != nullptr)
        store_some(static_cast<C*>(work_.weights) + (first_ + r - work_.first_query) * s_.keys + key + j, p,
                   min_integer(kLanes<C>, valid - j));
      if (work_.top > 0 && any_lane<C>(p > splat(x_.top_weights[(r + 1) * work_.top - 1])))
        for (std::int64_t i = 0; i < min_integer(kLanes<C>, valid - j); ++i)
          insert(r, p[i], static_cast<std::int32_t>(key + j + i));
    }
    entropy_[r] += sum_lanes<C>(entropy) * C(0.6931471805599453);
    distance_[r] += sum_lanes<C>(distance);
  }

  // Keeps the largest weights in order; equal ones in that of their keys.
  void insert(std::int64_t r, C weight, std::int32_t key) {
    C* weights = x_.top_weights + r * work_.top;
    std::int32_t* keys = x_.top_keys + r * work_.top;
    std::int64_t place = work_.top - 1;
    if (!(weight > weights[place])) return;
    for (; place > 0 && weight > weights[place - 1]; --place) {
      weights[place] = weights[place - 1];
      keys[place] = keys[place - 1];
    }
    weights[place] = weight;
    keys[place] = key;
  }

  void write() {
    const std::int64_t at_row = (batch_ * s_.heads + head_) * s_.queries + first_;
    for (std::int64_t r = 0; r < rows_; ++r) {
      if (work_.entropy != nullptr) static_cast<C*>(work_.entropy)[at_row + r] = entropy_[r];
      if (work_.distance != nullptr) static_cast<C*>(work_.distance)[at_row + r] = distance_[r];
    }
    if (work_.top == 0) return;
    __builtin_memcpy(static_cast<C*>(work_.top_weights) + at_row * work_.top, x_.top_weights,
                     static_cast<std::size_t>(rows_ * work_.top) * sizeof(C));
    __builtin_memcpy(work_.top_keys + at_row * work_.top, x_.top_keys,
                     static_cast<std::size_t>(rows_ * work_.top) * sizeof(std::int32_t));
  }

  const AttentionObserve& work_;
  const AttentionShape& s_;
  std::int64_t batch_, head_, first_, rows_;
  const PackedHead<E>& other_;
  const Scratch<E, C>& x_;
  const C* log_sum_;
  C* mass_;
  C scale2_ = exponent_scale<C>(s_);
  std::int64_t from_[kForwardQueries], to_[kForwardQueries];
  C entropy_[kForwardQueries], distance_[kForwardQueries];
};

std::size_t observe_scratch_bytes(const AttentionShape& s) {
  Arena arena(nullptr);
  visit_floating(s.dtype, [&]<class S>() { Scratch<Packed<S>, Compute<S>>(arena, s, backend::kMostTop); });
  return arena.used();
}

void observe_block(const AttentionObserve& work, std::int64_t batch, std::int64_t head, std::int64_t block,
                   std::int64_t slice, const void* packed, void* memory) {
  visit_floating(work.shape.dtype, [&]<class S>() {
    Arena packed_arena(const_cast<void*>(packed)), arena(memory);
    const PackedHead<Packed<S>> other(packed_arena, work.shape);
    const Scratch<Packed<S>, Compute<S>> scratch(arena, work.shape, work.top);
    const TileScope tiles;
    ObservedBlock<S>(work, batch, head, block, slice, other, scratch).run();
  });
}

}  // namespace

void fill_observe(backend::AttentionKernels& kernels) {
  kernels.observe_scratch_bytes = observe_scratch_bytes;
  kernels.observe_block = observe_block;
}

}  // namespace attend::ATTEND_ISA
