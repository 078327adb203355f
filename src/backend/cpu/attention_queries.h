#pragma once

// A block of queries: which keys they look at, and their scores with them.

#include "backend/cpu/attention_packed.h"

namespace attend::ATTEND_ISA {

template <class S>
class BlockOfQueries {
 public:
  using C = Compute<S>;
  using E = Packed<S>;

  struct Memory {
    E* query;
    C* additive_query;

    Memory(Arena& arena, const backend::AttentionShape& s)
        : query(arena.take<E>(rows_of_block(s) * padded(s.dim))),
          additive_query(arena.take<C>(is_additive(s) ? rows_of_block(s) * padded(s.dim) : 0)) {}
  };

  BlockOfQueries(const backend::AttentionShape& s, const backend::HeadsOperand& query, std::int64_t batch,
                 std::int64_t head, std::int64_t block, const PackedHead<E>& other, const Memory& memory)
      : first(block * queries_of_block(s)),
        rows(min_integer(queries_of_block(s), s.queries - first)),
        s_(s),
        batch_(batch),
        head_(head),
        other_(other),
        additive_query_(memory.additive_query) {
    if (is_additive(s))
      pack_additive_rows(s, query, batch, first, rows, head, padded_rows, memory.additive_query);
    else
      query_ = padded_rows_of(at<S>(query, batch, first, head), query.row_stride, rows, s.dim, memory.query,
                              padded_rows, padded(s.dim));
    for (std::int64_t r = 0; r < rows; ++r) {
      const IndexRange keys = keys_of(s, batch, first + r);
      from_[r] = keys.begin;
      to_[r] = keys.end;
      if (keys.begin < keys.end) {
        begin_ = min_integer(begin_, keys.begin);
        end_ = max_integer(end_, keys.end);
      }
    }
    begin_ = begin_ / kBlock * kBlock;
  }

  /// Keys that some query may look at, in blocks: for (now = first_keys(); now.begin < now.end; now =
  /// keys_after(now)).
  IndexRange first_keys() const { return next_keys(s_, first, begin_, end_); }
  IndexRange keys_after(IndexRange now) const { return next_keys(s_, first, now.end, end_); }

  /// Dot products or additive scores with the keys `now`: [rows][score_stride].
  void products(IndexRange now, C* scores) const {
    const std::int64_t width = padded(s_.dim);
    if (is_additive(s_))
      additive_block<S>(s_, head_, additive_query_, padded_rows, other_.additive_keys, now, from_, to_, rows,
                        scores);
    else
      product(query_.data, query_.stride, Panels<E>{other_.keys, width}, 0, now.begin, scores,
              score_stride(s_), padded_rows, padded(now.end - now.begin), width, false);
  }

  /// Products of query r become scores, -infinity where it may not look. Returns how many count, the first of
  /// `now` on; all others weigh nothing.
  std::int64_t modify(std::int64_t r, IndexRange now, bool is_modified, C* scores) const {
    const std::int64_t count = now.end - now.begin,
                       valid = max_integer(0, min_integer(count, to_[r] - now.begin)),
                       masked = min_integer(valid, from_[r] - now.begin);
    if (valid == 0) return 0;
    if (is_modified) modify_by_query<C>(s_, batch_, head_, first + r, now.begin, count, scores);
    if (masked > 0 || s_.place.blocks != nullptr)
      mask_row<C>(s_, first + r, now.begin, valid, masked, scores);
    return valid;
  }

  const std::int64_t first, rows, padded_rows = (rows + 15) / 16 * 16;

 private:
  static constexpr std::int64_t kBlock = backend::AttentionPlace::kBlock;

  const backend::AttentionShape& s_;
  std::int64_t batch_, head_, begin_ = s_.keys, end_ = 0;
  const PackedHead<E>& other_;
  Rows<E> query_{};
  C* additive_query_;
  std::int64_t from_[kForwardQueries], to_[kForwardQueries];
};

}  // namespace attend::ATTEND_ISA
