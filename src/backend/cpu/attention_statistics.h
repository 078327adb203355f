#pragma once

// Statistics of the weights of a block of queries, counted while the forward pass has them.

#include "backend/cpu/attention_queries.h"

namespace attend::ATTEND_ISA {

/// |x| of each lane.
template <class C>
inline Vector<C> magnitude_of(Vector<C> x) {
  using Integer = typename VectorOf<C>::scalar_integer;
  constexpr Integer kAllButSign = static_cast<Integer>(~(Integer{1} << (8 * sizeof(C) - 1)));
  return bit_cast_vector<Vector<C>>(bit_cast_vector<IntegerVector<C>>(x) & splat_integer<C>(kAllButSign));
}

/// Weights of a query exist relative to the largest score so far; all sums here shrink with it, and are
/// divided by the total at the end. The mass of a key needs that total of every query: the block's weights
/// are kept until it is known.
template <class S>
class BlockStatistics {
 public:
  using C = Compute<S>;
  using E = Packed<S>;

  struct Memory {
    E* weights;     // [key / 64 * 64][kForwardQueries]: blocks one after the other
    C* maxima;      // [key / 64][kForwardQueries]: what the weights of a block are relative to
    C* top_scores;  // [kForwardQueries][top], the largest first
    std::int32_t* top_keys;

    Memory(Arena& arena, const backend::AttentionForward& work)
        : weights(arena.take<E>(kForwardQueries * kept_keys(work))),
          maxima(arena.take<C>(kForwardQueries * (kept_keys(work) / kBlock + 1))),
          top_scores(arena.take<C>(kForwardQueries * top(work))),
          top_keys(arena.take<std::int32_t>(kForwardQueries * top(work))) {}

   private:
    static std::int64_t kept_keys(const backend::AttentionForward& work) {
      return work.statistics == nullptr ? 0 : padded(work.shape.keys);
    }
    static std::int64_t top(const backend::AttentionForward& work) {
      return work.statistics == nullptr ? 0 : work.statistics->top;
    }
  };

  BlockStatistics(const backend::AttentionForward& work, std::int64_t batch, std::int64_t head,
                  std::int64_t block, std::int64_t rows, const Memory& memory)
      : s_(work.shape),
        work_(work.statistics),
        head_of_batch_(batch * s_.heads + head),
        block_(block),
        rows_(rows),
        x_(memory) {
    if (!is_wanted()) return;
    for (std::int64_t r = 0; r < kForwardQueries; ++r) shifted_[r] = distance_[r] = looked_[r] = 0;
    for (std::int64_t i = 0; i < kForwardQueries * work_->top; ++i) {
      x_.top_scores[i] = C(-__builtin_inf());
      x_.top_keys[i] = -1;
    }
  }

  bool is_wanted() const { return work_ != nullptr; }

  /// Where the weights of the keys from `key` are kept.
  E* weights(std::int64_t key) const { return x_.weights + kForwardQueries * key; }

  /// Counts the weights of query r as they are made: 2^y, y = score - maximum in units of log2.
  class Row {
   public:
    Row(BlockStatistics& all, std::int64_t r, std::int64_t key, C maximum)
        : all_(all), r_(r), key_(key), maximum_(maximum) {
      const std::int64_t own = all.block_ * queries_of_block(all.s_) + r + all.s_.keys - all.s_.queries;
      away_ = splat(static_cast<C>(key - own));
      for (int i = 0; i < kLanes<C>; ++i) away_[i] += static_cast<C>(i);
      follow_least();
    }

    [[gnu::always_inline]] void operator()(std::int64_t j, Vector<C> y, Vector<C> weight) {
      // -infinity weighs nothing; finite, so that nothing times it is nothing.
      shifted_ += weight * max_of(y, splat(C(-2000)));
      distance_ += weight * magnitude_of<C>(away_);
      away_ += C(kLanes<C>);
      unsigned candidates = bits_of_lanes<C>(y > least_);
      if (__builtin_expect(candidates == 0, 1)) return;
      for (; candidates != 0; candidates &= candidates - 1) {
        const int i = __builtin_ctz(candidates);
        all_.insert(r_, y[i] + maximum_, static_cast<std::int32_t>(key_ + j + i));
      }
      follow_least();
    }

    /// After a block: the earlier sums shrink from the maximum `before`, and `sum` of new weights is added.
    void end(C before, C shrink, C sum) {
      C& shifted = all_.shifted_[r_];
      // Nothing was summed before the first maximum, which is not finite.
      shifted = (shrink == C(0) ? C(0) : shrink * (shifted + all_.looked_[r_] * (before - maximum_))) +
                sum_lanes<C>(shifted_);
      all_.distance_[r_] = all_.distance_[r_] * shrink + sum_lanes<C>(distance_);
      all_.looked_[r_] = all_.looked_[r_] * shrink + sum;
      all_.maximum_of(key_, r_) = maximum_;
    }

   private:
    // No more is a candidate than what exceeds the least of the top scores.
    void follow_least() {
      const std::int64_t top = all_.work_->top;
      least_ = splat(top == 0 ? C(__builtin_inf()) : all_.x_.top_scores[(r_ + 1) * top - 1] - maximum_);
    }

    BlockStatistics& all_;
    std::int64_t r_, key_;
    C maximum_;
    Vector<C> shifted_{}, distance_{}, away_, least_;
  };

  /// Query r looks at none of the keys from `key`.
  void skip(std::int64_t r, std::int64_t key) { maximum_of(key, r) = C(-__builtin_inf()); }

  void write(const BlockOfQueries<S>& queries, const C* total, const C* log_sum) {
    const std::int64_t at = head_of_batch_ * s_.queries + queries.first;
    for (std::int64_t r = 0; r < rows_; ++r) {
      const bool nothing = looked_[r] == C(0);
      static_cast<C*>(work_->entropy)[at + r] =
          nothing ? C(0)
                  : (looked_[r] * log2_scalar(total[r]) - shifted_[r]) / total[r] * C(0.6931471805599453);
      static_cast<C*>(work_->distance)[at + r] = nothing ? C(0) : distance_[r] / total[r];
      write_top(r, (at + r) * work_->top, log_sum[r]);
    }
    C* mass =
        static_cast<C*>(work_->mass) + (head_of_batch_ * work_->slices + block_ % work_->slices) * s_.keys;
    for (IndexRange now = queries.first_keys(); now.begin < now.end; now = queries.keys_after(now))
      add_mass(now, log_sum, mass + now.begin);
  }

 private:
  static constexpr std::int64_t kBlock = backend::AttentionPlace::kBlock;

  C& maximum_of(std::int64_t key, std::int64_t r) const {
    return x_.maxima[key / kBlock * kForwardQueries + r];
  }

  // Keeps the largest scores in order; equal ones in that of their keys.
  void insert(std::int64_t r, C score, std::int32_t key) {
    C* scores = x_.top_scores + r * work_->top;
    std::int32_t* keys = x_.top_keys + r * work_->top;
    std::int64_t place = work_->top - 1;
    if (!(score > scores[place])) return;
    for (; place > 0 && score > scores[place - 1]; --place) {
      scores[place] = scores[place - 1];
      keys[place] = keys[place - 1];
    }
    scores[place] = score;
    keys[place] = key;
  }

  void write_top(std::int64_t r, std::int64_t at, C log_sum) {
    C* weights = static_cast<C*>(work_->top_weights) + at;
    for_each_vector<C>(work_->top, [&](std::int64_t i, std::int64_t n) {
      store_some(weights + i, exp2_of<S>(load_some(x_.top_scores + r * work_->top + i, n) - log_sum), n);
    });
    for (std::int64_t i = 0; i < work_->top; ++i)
      work_->top_keys[at + i] = weights[i] == C(0) ? -1 : x_.top_keys[r * work_->top + i];
  }

  void add_mass(IndexRange now, const C* log_sum, C* mass) const {
    const std::int64_t count = now.end - now.begin, columns = padded(count);
    const E* kept = weights(now.begin);
    C factors[kForwardQueries];
    for (std::int64_t r = 0; r < kForwardQueries; r += kLanes<C>) {
      Vector<C> exponent = splat(C(-__builtin_inf()));
      for (int i = 0; i < kLanes<C>; ++i)
        if (r + i < rows_) exponent[i] = maximum_of(now.begin, r + i) - log_sum[r + i];
      store(factors + r, exp2_of<C>(exponent));
    }
    constexpr int kVectors = static_cast<int>(kPadding) / kLanes<C>;
    for (std::int64_t j = 0; j < columns; j += kPadding) {
      Vector<C> sums[kVectors] = {};
      for (std::int64_t r = 0; r < rows_; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v)
          sums[v] += load(kept + r * columns + j + v * kLanes<C>) * factors[r];
      for (int v = 0; v < kVectors; ++v) {
        const std::int64_t from = j + v * kLanes<C>, lanes = min_integer(kLanes<C>, count - from);
        if (lanes > 0) store_some(mass + from, load_some(mass + from, lanes) + sums[v], lanes);
      }
    }
  }

  const backend::AttentionShape& s_;
  const backend::AttentionStatistics* work_;
  std::int64_t head_of_batch_, block_, rows_;
  const Memory& x_;
  // Sums over the keys so far of 2^y y, 2^y |distance| and 2^y.
  C shifted_[kForwardQueries], distance_[kForwardQueries], looked_[kForwardQueries];
};

}  // namespace attend::ATTEND_ISA
