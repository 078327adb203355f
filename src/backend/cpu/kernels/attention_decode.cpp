// Attention of few queries over a long cache: every key and value is read once for all query heads that share
// it.

#include "backend/cpu/attention_scores.h"
#include "backend/cpu/block_pack.h"
#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::AttentionDecode;
using backend::AttentionShape;

constexpr std::int64_t kKeyBlock = 128;

template <class S>
struct Scratch {
  using C = Compute<S>;
  Packed<S>* query;
  C *scores, *sum;

  Scratch(Arena& arena, const AttentionShape& s) {
    const std::int64_t lines = s.queries * (s.heads / s.key_heads);
    query = arena.take<Packed<S>>(lines * padded(s.dim));
    scores = arena.take<C>(lines * kKeyBlock);
    sum = arena.take<C>(lines * (padded(s.value_dim) + 2 * kPanel));
  }
};

/// scores[i][k] = query i . row k of the keys, for Lines queries that share them.
template <int Lines, class S>
void score_keys(const S* keys, std::int64_t stride, std::int64_t count, const Packed<S>* queries,
                std::int64_t width, std::int64_t dim, Compute<S>* scores) {
  using C = Compute<S>;
  std::int64_t k = 0;
  for (; k + kLanes<C> <= count; k += kLanes<C>)
    for (int line = 0; line < Lines; ++line) {
      // The keys are in the first cache from the second line on.
      Vector<C> products[kLanes<C>];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes<C>; ++i)
        products[i] = dot_lanes<S>(keys + (k + i) * stride, queries + line * width, dim);
      store(scores + line * kKeyBlock + k, sums_of_lanes<C>(products));
    }
  for (; k < count; ++k)
    for (int line = 0; line < Lines; ++line)
      scores[line * kKeyBlock + k] =
          sum_lanes<C>(dot_lanes<S>(keys + k * stride, queries + line * width, dim));
}

/// sum[i][j] += sum over k of weights[i][k] * values[k][j], for Lines lines and Vectors vectors of j; `last`
/// counts the lanes of the last one. Every value is read once for all lines.
template <int Lines, int Vectors, class S>
void add_weighted(const S* values, std::int64_t stride, std::int64_t count, const Compute<S>* weights,
                  Compute<S>* sum, std::int64_t width, std::int64_t last) {
  using C = Compute<S>;
  // Few sums wait for each other's additions: two sets of them take turns.
  constexpr int kSets = Lines * Vectors <= 8 ? 2 : 1;
  Vector<C> sums[kSets][Lines][Vectors] = {};
  const auto add = [&](std::int64_t k, Vector<C>(&to)[Lines][Vectors]) {
    Vector<C> row[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      const S* from = values + k * stride + v * kLanes<C>;
      row[v] = v + 1 == Vectors ? load_some(from, last) : load(from);
    }
#pragma GCC unroll 4
    for (int line = 0; line < Lines; ++line) {
      const Vector<C> weight = splat(weights[line * kKeyBlock + k]);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) to[line][v] += row[v] * weight;
    }
  };
  std::int64_t k = 0;
  for (; k + kSets <= count; k += kSets) {
    add(k, sums[0]);
    if constexpr (kSets == 2) add(k + 1, sums[1]);
  }
  if (k < count) add(k, sums[0]);
#pragma GCC unroll 4
  for (int line = 0; line < Lines; ++line)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      C* to = sum + line * width + v * kLanes<C>;
      store(to, load(to) + sums[0][line][v] + sums[kSets - 1][line][v] * C(kSets - 1));
    }
}

template <int Lines, class S>
void add_all_weighted(const S* values, std::int64_t stride, std::int64_t count, std::int64_t value_dim,
                      const Compute<S>* weights, Compute<S>* sum, std::int64_t width) {
  constexpr std::int64_t kLane = kLanes<Compute<S>>;
  for (std::int64_t j = 0; j < value_dim; j += 4 * kLane) {
    const std::int64_t left = value_dim - j;
    if (left > 3 * kLane)
      add_weighted<Lines, 4>(values + j, stride, count, weights, sum + j, width,
                             min_integer(left - 3 * kLane, kLane));
    else if (left > 2 * kLane)
      add_weighted<Lines, 3>(values + j, stride, count, weights, sum + j, width, left - 2 * kLane);
    else if (left > kLane)
      add_weighted<Lines, 2>(values + j, stride, count, weights, sum + j, width, left - kLane);
    else
      add_weighted<Lines, 1>(values + j, stride, count, weights, sum + j, width, left);
  }
}

/// Calls body.template operator()<Lines>(first) for all lines, up to four at a time.
template <class Body>
void for_each_lines(std::int64_t lines, Body&& body) {
  std::int64_t i = 0;
  for (; i + 4 <= lines; i += 4) body.template operator()<4>(i);
  if (i + 2 <= lines) {
    body.template operator()<2>(i);
    i += 2;
  }
  if (i < lines) body.template operator()<1>(i);
}

template <class S>
void decode_of(const AttentionDecode& work, std::int64_t batch, std::int64_t key_head, void* memory) {
  using C = Compute<S>;
  const AttentionShape& s = work.shape;
  Arena arena(memory);
  const Scratch<S> x(arena, s);
  const std::int64_t group = s.heads / s.key_heads, lines = group * s.queries;
  const std::int64_t width = padded(s.dim), value_width = padded(s.value_dim);
  const C scale2 = exponent_scale<C>(s), log2_e = C(1.4426950408889634);
  // Line i is query i / group of head key_head * group + i % group.
  C* maximum = x.sum + lines * value_width;
  C* total = maximum + lines;
  std::int64_t begin = s.keys, end = 0;
  for (std::int64_t i = 0; i < lines; ++i) {
    pack_rows(at<S>(work.query, batch, i / group, key_head * group + i % group), 0, 1, s.dim,
              x.query + i * width, 1, width);
    const bool has_sink = s.sink != nullptr;
    maximum[i] =
        has_sink ? static_cast<const C*>(s.sink)[key_head * group + i % group] * log2_e : C(-__builtin_inf());
    total[i] = has_sink ? C(1) : C(0);
    for (std::int64_t j = 0; j < value_width; ++j) x.sum[i * value_width + j] = 0;
    const KeyRange keys = keys_of(s, batch, i / group);
    begin = min_integer(begin, keys.begin);
    end = max_integer(end, keys.end);
  }
  for (std::int64_t key = begin / kKeyBlock * kKeyBlock; key < end; key += kKeyBlock) {
    const std::int64_t count = min_integer(kKeyBlock, end - key);
    const S* keys = at<S>(work.key, batch, key, key_head);
    for_each_lines(lines, [&]<int Lines>(std::int64_t i) {
      score_keys<Lines>(keys, work.key.row_stride, count, x.query + i * width, width, s.dim,
                        x.scores + i * kKeyBlock);
    });
    for (std::int64_t i = 0; i < lines; ++i) {
      C* scores = x.scores + i * kKeyBlock;
      if (is_modified(s))
        modify_by_query<C>(s, batch, key_head * group + i % group, i / group, key, count, scores);
      const KeyRange looked = keys_of(s, batch, i / group);
      const std::int64_t valid = max_integer(0, min_integer(count, looked.end - key)),
                         masked = min_integer(valid, looked.begin - key);
      if (masked > 0 || s.place.blocks != nullptr) {
        mask_row<C>(s, i / group, key, count, masked, scores);
        mask_empty_blocks<C>(s, i / group, key, count, scores);
      }
      if (s.sigmoid) {
        const C bias = static_cast<C>(s.sigmoid_bias) * log2_e;
        for_each_vector<C>(count, [&](std::int64_t k, std::int64_t n) {
          const Vector<C> p = sigmoid2_of<S>(load_some(scores + k, n) * scale2 + bias);
          store_some(scores + k, lane_numbers<C>() < splat_integer<C>(valid - k) ? p : Vector<C>{}, n);
        });
        total[i] = 1;
        continue;
      }
      C now = maximum[i];
      for (std::int64_t k = 0; k < valid; ++k) now = scores[k] * scale2 > now ? scores[k] * scale2 : now;
      const C offset = now == C(-__builtin_inf()) ? C(0) : now;
      const C shrink = maximum[i] == C(-__builtin_inf()) ? C(0) : exp2_scalar<C>(maximum[i] - offset);
      maximum[i] = now;
      Vector<C> sum{};
      for_each_vector<C>(count, [&](std::int64_t k, std::int64_t n) {
        Vector<C> p = exp2_of<S>(load_some(scores + k, n) * scale2 - splat(offset));
        p = lane_numbers<C>() < splat_integer<C>(min_integer(n, valid - k)) ? p : Vector<C>{};
        store_some(scores + k, p, n);
        sum += p;
      });
      total[i] = total[i] * shrink + sum_lanes<C>(sum);
      if (shrink != C(1))
        for (std::int64_t j = 0; j < value_width; j += kLanes<C>)
          store(x.sum + i * value_width + j, load(x.sum + i * value_width + j) * shrink);
    }
    const S* values = at<S>(work.value, batch, key, key_head);
    for_each_lines(lines, [&]<int Lines>(std::int64_t i) {
      add_all_weighted<Lines>(values, work.value.row_stride, count, s.value_dim, x.scores + i * kKeyBlock,
                              x.sum + i * value_width, value_width);
    });
  }
  for (std::int64_t i = 0; i < lines; ++i) {
    S* out = at<S>(work.output, batch, i / group, key_head * group + i % group);
    const bool nothing = total[i] == C(0);
    const C factor = nothing ? C(0) : C(1) / total[i];
    for_each_vector<C>(s.value_dim, [&](std::int64_t j, std::int64_t n) {
      store_some(out + j, nothing ? Vector<C>{} : load_some(x.sum + i * value_width + j, n) * factor, n);
    });
  }
}

std::size_t decode_scratch_bytes(const AttentionShape& s) {
  Arena arena(nullptr);
  visit_floating(s.dtype, [&]<class S>() { Scratch<S>(arena, s); });
  return arena.used();
}

void decode(const AttentionDecode& work, std::int64_t batch, std::int64_t key_head, void* memory) {
  visit_floating(work.shape.dtype, [&]<class S>() { decode_of<S>(work, batch, key_head, memory); });
}

}  // namespace

void fill_decode(backend::AttentionKernels& kernels) {
  kernels.decode_scratch_bytes = decode_scratch_bytes;
  kernels.decode = decode;
}

}  // namespace attend::ATTEND_ISA
