#pragma once

// Additive scores v . tanh(a + b) of blocks (Bahdanau et al. 2015), and their gradients, without a tensor of
// pairs times hidden units.
//
// With r = 1 / (1 + e^2a e^2b) the hidden unit is tanh(a + b) = 1 - 2 r, and its derivative 4 r (1 - r). e^2a
// and e^2b are computed once for each query and each key, so that a pair costs one multiply-add and one
// reciprocal for each unit: tanh with an absolute error below 3e-7 (4e-16 in f64; 7e-5 for bf16). Where a or
// b are too large for that (AttentionShape::exponentials), r comes from e^(2 (a + b)) as it is.
//
// Queries and keys take the same part in this: `rows` are those of one side, `panels` those of the other, in
// whose lanes the sums run.

#include "backend/cpu/attention_scores.h"
#include "backend/cpu/block_pack.h"
#include "backend/cpu/vector_math.h"

namespace attend::ATTEND_ISA {

inline bool is_additive(const backend::AttentionShape& s) {
  return s.vector != nullptr;
}

/// Rows `first` to `first + count` of one head as additive_scores reads them: to[padded_rows][padded(dim)].
template <class C>
void pack_additive_rows(const backend::AttentionShape& s, const backend::HeadsOperand& from,
                        std::int64_t batch, std::int64_t first, std::int64_t count, std::int64_t head,
                        std::int64_t padded_rows, C* to) {
  const std::int64_t width = padded(s.dim);
  pack_rows(at<C>(from, batch, first, head), from.row_stride, count, s.dim, to, padded_rows, width);
  if (!s.exponentials) return;
  for (std::int64_t i = 0; i < padded_rows * width; i += kLanes<C>)
    store(to + i, exp<C>(load(to + i) * C(2)));
}

/// The same rows as panels, [padded_rows / 16][padded(dim)][16].
template <class C>
void pack_additive_panels(const backend::AttentionShape& s, const C* rows, std::int64_t padded_rows,
                          C* panels) {
  pack_transposed(Rows<C>{rows, padded(s.dim)}, padded_rows, padded(s.dim), panels);
}

template <class S>
class AdditiveScore {
 public:
  using C = Compute<S>;

  AdditiveScore(const backend::AttentionShape& s, std::int64_t head)
      : vector_(is_additive(s) ? static_cast<const C*>(s.vector) + head * s.dim : nullptr),
        units_(is_additive(s) ? s.dim : 0),
        depth_(padded(s.dim)),
        exponentials_(s.exponentials) {
    for (std::int64_t u = 0; u < units_; ++u) total_ += vector_[u];
  }

  /// scores[i][j] of `count` rows, a multiple of 4, and `columns` columns of the panels, a multiple of 16.
  void scores(const C* rows, std::int64_t count, const C* panels, std::int64_t columns, C* scores,
              std::int64_t stride) const {
    for (std::int64_t j = 0; j < columns; j += kLanes<C>)
      for (std::int64_t i = 0; i < count; i += kRows) {
        if (exponentials_)
          score_rows<true>(rows + i * depth_, lanes_at(panels, j), scores + i * stride + j, stride);
        else
          score_rows<false>(rows + i * depth_, lanes_at(panels, j), scores + i * stride + j, stride);
      }
  }

  /// What the gradients of a block of scores [rows][columns] add to the gradients of rows and columns, both
  /// transposed, and to that of the vector, [dim][lanes]. Rows are at most kMostRows and a multiple of 16,
  /// columns at most kMostColumns and a multiple of 32.
  static constexpr std::int64_t kMostRows = 64, kMostColumns = 128;
  void add_gradients(const C* rows, std::int64_t count, const C* panels, std::int64_t columns,
                     const C* score_gradients, std::int64_t stride, C* row_sum, std::int64_t row_sum_stride,
                     C* column_sum, std::int64_t column_sum_stride, C* vector_sum) const {
    const Block block = {rows,    count,          panels,     columns,           score_gradients, stride,
                         row_sum, row_sum_stride, column_sum, column_sum_stride, vector_sum};
    if (exponentials_)
      add_block<true>(block);
    else
      add_block<false>(block);
  }

 private:
  static constexpr int kRows = 4;     // of scores at a time: the chains of dependent sums
  static constexpr int kVectors = 2;  // of columns at a time, of gradients
  static constexpr std::int64_t kTile = kVectors * kLanes<C>;

  struct Block {
    const C* rows;
    std::int64_t count;
    const C* panels;
    std::int64_t columns;
    const C* score_gradients;
    std::int64_t stride;
    C* row_sum;
    std::int64_t row_sum_stride;
    C* column_sum;
    std::int64_t column_sum_stride;
    C* vector_sum;
  };

  // The lanes of columns from j on, for unit 0; kPanel elements further for each other unit.
  const C* lanes_at(const C* panels, std::int64_t j) const {
    return panels + j / kPanel * kPanel * depth_ + j % kPanel;
  }

  template <bool kExponentials>
  static Vector<C> unit(C row, Vector<C> column) {
    if constexpr (kExponentials)
      return reciprocal<C, sizeof(S) == 2>(column * row + C(1));
    else
      return sigmoid2_of<S>((column + row) * C(-2 * 1.4426950408889634));
  }

  template <bool kExponentials>
  void score_rows(const C* rows, const C* columns, C* scores, std::int64_t stride) const {
    Vector<C> sums[kRows] = {};
    for (std::int64_t u = 0; u < units_; ++u) {
      const Vector<C> column = load(columns + u * kPanel);
      const C v = vector_[u];
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) sums[i] += unit<kExponentials>(rows[i * depth_ + u], column) * v;
    }
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) store(scores + i * stride, total_ - sums[i] * C(2));
  }

  template <bool kExponentials>
  void add_block(const Block& b) const {
    // Masks leave whole tiles of zeros.
    bool counts[kMostRows / 16][kMostColumns / kTile];
    for (std::int64_t i = 0; i < b.count; i += 16)
      for (std::int64_t j = 0; j < b.columns; j += kTile) counts[i / 16][j / kTile] = any_gradient(b, i, j);
    Vector<C> row_sums[kMostRows];
    for (std::int64_t u = 0; u < units_; ++u) {
      for (std::int64_t i = 0; i < b.count; ++i) row_sums[i] = Vector<C>{};
      const Vector<C> factor = splat(C(4) * vector_[u]);
      Vector<C> units{};
      for (std::int64_t j = 0; j < b.columns; j += kTile) {
        Vector<C> columns[kVectors], column_sums[kVectors] = {};
#pragma GCC unroll 2
        for (int c = 0; c < kVectors; ++c)
          columns[c] = load(lanes_at(b.panels, j + c * kLanes<C>) + u * kPanel);
        for (std::int64_t first = 0; first < b.count; first += 16) {
          if (!counts[first / 16][j / kTile]) continue;
          for (std::int64_t i = first; i < first + 16; ++i) {
            const C row = b.rows[i * depth_ + u];
            Vector<C> sum = row_sums[i];
#pragma GCC unroll 2
            for (int c = 0; c < kVectors; ++c) {
              const Vector<C> r = unit<kExponentials>(row, columns[c]);
              const Vector<C> gradient = load(b.score_gradients + i * b.stride + j + c * kLanes<C>);
              const Vector<C> weighted = gradient * r, slope = weighted - weighted * r;
              units += gradient * (C(1) - r * C(2));
              column_sums[c] += slope;
              sum += slope;
            }
            row_sums[i] = sum;
          }
        }
#pragma GCC unroll 2
        for (int c = 0; c < kVectors; ++c) {
          C* to = b.column_sum + u * b.column_sum_stride + j + c * kLanes<C>;
          store(to, load(to) + column_sums[c] * factor);
        }
      }
      for (std::int64_t i = 0; i < b.count; i += kLanes<C>) {
        Vector<C> lanes[kLanes<C>];
        __builtin_memcpy(lanes, row_sums + i, sizeof lanes);
        C* to = b.row_sum + u * b.row_sum_stride + i;
        store(to, load(to) + sums_of_lanes<C>(lanes) * factor);
      }
      store(b.vector_sum + u * kLanes<C>, load(b.vector_sum + u * kLanes<C>) + units);
    }
  }

  static bool any_gradient(const Block& b, std::int64_t first, std::int64_t j) {
    // NaN is not zero either.
    IntegerVector<C> any{};
    for (std::int64_t i = first; i < first + 16; ++i)
      for (int c = 0; c < kVectors; ++c)
        any |= load(b.score_gradients + i * b.stride + j + c * kLanes<C>) != Vector<C>{};
    return any_lane<C>(any);
  }

  const C* vector_;
  std::int64_t units_, depth_;
  bool exponentials_;
  C total_ = 0;
};

}  // namespace attend::ATTEND_ISA
