// Attention of few queries over a long cache: every key and value is read once for all query heads that share
// it.

#include "backend/cpu/attention_decode_tiles.h"
#include "backend/cpu/attention_scores.h"
#include "backend/cpu/block_pack.h"
#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::AttentionDecode;
using backend::AttentionShape;

/// Are the products those of tiles?
template <class S>
constexpr bool kHasTiles =
#if defined(__AMX_BF16__)
    sizeof(S) == 2;
#else
    false;
#endif

// Every change from keys to values and back interrupts what the processor foresees, so blocks are long where
// their rows need not stay in the first cache.
template <class S>
constexpr std::int64_t kKeyBlock = kHasTiles<S> ? 64 : 256;

template <class S>
struct Scratch {
  using C = Compute<S>;
  Packed<S>*query, *tiles_of_queries, *weights;
  C *scores, *sum, *maximum, *total;

  Scratch(Arena& arena, const AttentionShape& s) {
    const std::int64_t lines = s.queries * (s.heads / s.key_heads), rows = rows_of(lines);
    query = arena.take<Packed<S>>(lines * padded(s.dim));
    tiles_of_queries = arena.take<Packed<S>>(kHasTiles<S> ? rows * padded(s.dim) : 0);
    weights = arena.take<Packed<S>>(rows * kKeyBlock<S>);
    scores = arena.take<C>(lines * kKeyBlock<S>);
    sum = arena.take<C>(rows * padded(s.value_dim));
    maximum = arena.take<C>(lines);
    total = arena.take<C>(lines);
  }

  /// Tiles read and write whole ones.
  static std::int64_t rows_of(std::int64_t lines) {
    return kHasTiles<S> ? (lines + kPanel - 1) / kPanel * kPanel : lines;
  }
};

#if defined(__AMX_BF16__)
// Rows that will be read soon: tiles read them in another order than they lie in. Into the second cache: the
// first one follows too few reads at a time.
template <class S>
struct Ahead {
  const S* rows;
  std::int64_t stride, width;

  void prefetch(std::int64_t row) const {
    constexpr std::int64_t kLine = 64 / sizeof(S);
    for (std::int64_t j = 0; j < width; j += kLine) __builtin_prefetch(rows + row * stride + j, 0, 2);
  }
};
#endif

/// sums[line * Keys + k] = the lanes whose sum is query `line` . row k of the keys. Rows are read one after
/// the other, the order in which processors foresee what comes.
template <int Lines, int Keys, class S>
inline void dot_lanes_of(const S* keys, std::int64_t stride, const Packed<S>* queries, std::int64_t width,
                         std::int64_t dim, Vector<Compute<S>> (&sums)[Lines * Keys]) {
  using C = Compute<S>;
#pragma GCC unroll 16
  for (int k = 0; k < Keys; ++k) {
    const S* key = keys + k * stride;
    prefetch_ahead(key, dim * static_cast<std::int64_t>(sizeof(S)));
    Vector<C> lanes[Lines] = {};
    const auto add = [&](const auto& load_at) {
      const auto row = load_at(key);
#pragma GCC unroll 4
      for (int line = 0; line < Lines; ++line)
        lanes[line] = multiply_add(row, load_at(queries + line * width), lanes[line]);
    };
    std::int64_t j = 0;
    if constexpr (sizeof(S) == sizeof(Packed<S>)) {
      constexpr std::int64_t kStride = kStep<S> * kLanes<C>;
      for (; j + kStride <= dim; j += kStride) add([j](const auto* row) { return load_step(row + j); });
    }
    for (; j < dim; j += kLanes<C>) {
      const std::int64_t count = min_integer(dim - j, kLanes<C>);
      add([j, count](const auto* row) { return load_some(row + j, count); });
    }
#pragma GCC unroll 4
    for (int line = 0; line < Lines; ++line) sums[line * Keys + k] = lanes[line];
  }
}

/// scores[i][k] = query i . row k of the keys, for Lines queries that share them.
template <int Lines, class S>
void score_keys(const S* keys, std::int64_t stride, std::int64_t count, const Packed<S>* queries,
                std::int64_t width, std::int64_t dim, Compute<S>* scores) {
  using C = Compute<S>;
  constexpr int kKeys = kLanes < C >> Lines ? kLanes<C> / Lines : 1;
  std::int64_t k = 0;
  for (; k + kKeys <= count; k += kKeys) {
    Vector<C> products[Lines * kKeys];
    dot_lanes_of<Lines, kKeys>(keys + k * stride, stride, queries, width, dim, products);
    C sums[Lines * kKeys];
    if constexpr (Lines * kKeys == kLanes<C>)
      store(sums, sums_of_lanes<C>(products));
    else
      for (int i = 0; i < Lines * kKeys; ++i) sums[i] = sum_lanes<C>(products[i]);
    for (int line = 0; line < Lines; ++line)
      __builtin_memcpy(scores + line * kKeyBlock<S> + k, sums + line * kKeys, sizeof(C) * kKeys);
  }
  for (; k < count; ++k)
    for (int line = 0; line < Lines; ++line) {
      Vector<C> product[1];
      dot_lanes_of<1, 1>(keys + k * stride, stride, queries + line * width, width, dim, product);
      scores[line * kKeyBlock<S> + k] = sum_lanes<C>(product[0]);
    }
}

// Vectors of a value that are added at a time: as many as there are registers for, so that most rows are read
// whole.
template <class C>
constexpr int kValueVectors = sizeof(Vector<C>) == 64 ? 8 : 4;

/// sum[i][j] += sum over k of weights[i][k] * values[k][j], for Lines lines and Vectors vectors of j; `last`
/// counts the lanes of the last one. Every value is read once for all lines.
template <int Lines, int Vectors, class S>
void add_weighted(const S* values, std::int64_t stride, std::int64_t count, const Packed<S>* weights,
                  Compute<S>* sum, std::int64_t width, std::int64_t last) {
  using C = Compute<S>;
  // Few sums wait for each other's additions: two sets of them take turns.
  constexpr int kSets = Lines * Vectors <= 4 ? 2 : 1;
  Vector<C> sums[kSets][Lines][Vectors] = {};
  const auto add = [&](std::int64_t k, Vector<C>(&to)[Lines][Vectors]) {
    Vector<C> weight[Lines];
#pragma GCC unroll 2
    for (int line = 0; line < Lines; ++line) weight[line] = splat(weights[line * kKeyBlock<S> + k]);
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      const S* from = values + k * stride + v * kLanes<C>;
      if (v % 2 == 0) prefetch_ahead(from);
      const Vector<C> row = v + 1 == Vectors ? load_some(from, last) : load(from);
#pragma GCC unroll 2
      for (int line = 0; line < Lines; ++line) to[line][v] += row * weight[line];
    }
  };
  std::int64_t k = 0;
  for (; k + kSets <= count; k += kSets) {
    add(k, sums[0]);
    if constexpr (kSets == 2) add(k + 1, sums[1]);
  }
  if (k < count) add(k, sums[0]);
#pragma GCC unroll 2
  for (int line = 0; line < Lines; ++line)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      C* to = sum + line * width + v * kLanes<C>;
      store(to, load(to) + sums[0][line][v] + sums[kSets - 1][line][v] * C(kSets - 1));
    }
}

#if defined(__AVX512BF16__)
/// The same by dot products of bf16: two keys at a time, Vectors times 32 values of each, `last` of them in
/// the last one.
template <int Lines, int Vectors>
void add_weighted_pairs(const BFloat16* values, std::int64_t stride, std::int64_t count,
                        const BFloat16* weights, float* sum, std::int64_t width, std::int64_t last) {
  constexpr std::int64_t kValues = 2 * kPanel;
  const __mmask32 counts = static_cast<__mmask32>((std::uint64_t{1} << last) - 1);
  // Values 8 i to 8 i + 3 of a vector, and 8 i + 4 to 8 i + 7: as the instructions that make pairs leave
  // them.
  F32 low[Lines][Vectors] = {}, high[Lines][Vectors] = {};
  for (std::int64_t k = 0; k < count; k += 2) {
    const auto load_row = [&](std::int64_t key, __m512i(&row)[Vectors]) {
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) {
        const BFloat16* from = values + key * stride + v * kValues;
        if (v % 2 == 0) prefetch_ahead(from);
        row[v] = v + 1 == Vectors ? _mm512_maskz_loadu_epi16(counts, from) : _mm512_loadu_si512(from);
      }
    };
    __m512i row[Vectors], next[Vectors] = {};
    load_row(k, row);
    if (k + 1 < count) load_row(k + 1, next);
    BF16Pairs weight[Lines];
#pragma GCC unroll 2
    for (int line = 0; line < Lines; ++line)
      weight[line] = broadcast_step(weights + line * kKeyBlock<BFloat16> + k);
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      const BF16Pairs low_pairs{_mm512_unpacklo_epi16(row[v], next[v])},
          high_pairs{_mm512_unpackhi_epi16(row[v], next[v])};
#pragma GCC unroll 2
      for (int line = 0; line < Lines; ++line) {
        low[line][v] = multiply_add(weight[line], low_pairs, low[line][v]);
        high[line][v] = multiply_add(weight[line], high_pairs, high[line][v]);
      }
    }
  }
  const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23),
                second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
#pragma GCC unroll 2
  for (int line = 0; line < Lines; ++line)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      float* to = sum + line * width + v * kValues;
      const __m512 a = bit_cast_vector<__m512>(low[line][v]), b = bit_cast_vector<__m512>(high[line][v]);
      store(to, load(to) + bit_cast_vector<F32>(_mm512_permutex2var_ps(a, first, b)));
      store(to + kPanel, load(to + kPanel) + bit_cast_vector<F32>(_mm512_permutex2var_ps(a, second, b)));
    }
}
#endif

/// Calls body.template operator()<Vectors>(j, last) for all `dim` values, up to Most vectors of kLane at a
/// time, or a half, a quarter ... of them; `last` counts the values of the last vector.
template <int Most, std::int64_t kLane, class Body>
void for_each_vectors(std::int64_t dim, const Body& body, std::int64_t j = 0) {
  for (; (dim - j + kLane - 1) / kLane >= Most; j += Most * kLane)
    body.template operator()<Most>(j, min_integer(dim - j - (Most - 1) * kLane, kLane));
  if constexpr (Most > 1) for_each_vectors<Most / 2, kLane>(dim, body, j);
}

template <int Lines, class S>
void add_all_weighted(const S* values, std::int64_t stride, std::int64_t count, std::int64_t value_dim,
                      const Packed<S>* weights, Compute<S>* sum, std::int64_t width) {
  using C = Compute<S>;
#if defined(__AVX512BF16__)
  if constexpr (sizeof(S) == 2)
    for_each_vectors<4, 2 * kPanel>(value_dim, [&]<int Vectors>(std::int64_t j, std::int64_t last) {
      add_weighted_pairs<Lines, Vectors>(values + j, stride, count, weights, sum + j, width, last);
    });
  else
#endif
    for_each_vectors<kValueVectors<C>, kLanes<C>>(
        value_dim, [&]<int Vectors>(std::int64_t j, std::int64_t last) {
          add_weighted<Lines, Vectors>(values + j, stride, count, weights, sum + j, width, last);
        });
}

/// Calls body.template operator()<Lines>(first) for all lines, up to Most (2 or 4) at a time.
template <int Most, class Body>
void for_each_lines(std::int64_t lines, Body&& body) {
  std::int64_t i = 0;
  for (; i + Most <= lines; i += Most) body.template operator()<Most>(i);
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
  C *maximum = x.maximum, *total = x.total;
  std::int64_t begin = s.keys, end = 0;
  __builtin_memset(x.sum, 0, static_cast<std::size_t>(x.rows_of(lines) * value_width) * sizeof(C));
  for (std::int64_t i = 0; i < lines; ++i) {
    pack_rows(at<S>(work.query, batch, i / group, key_head * group + i % group), 0, 1, s.dim,
              x.query + i * width, 1, width);
    const bool has_sink = s.sink != nullptr;
    maximum[i] =
        has_sink ? static_cast<const C*>(s.sink)[key_head * group + i % group] * log2_e : C(-__builtin_inf());
    total[i] = has_sink ? C(1) : C(0);
    const IndexRange keys = keys_of(s, batch, i / group);
    begin = min_integer(begin, keys.begin);
    end = max_integer(end, keys.end);
  }
#if defined(__AMX_BF16__)
  if constexpr (kHasTiles<S>) pack_lines(x.query, lines, width, x.tiles_of_queries);
#endif
  // Tables of masks begin at any of their own blocks; a window reads no more before it.
  constexpr std::int64_t kMaskBlock = backend::AttentionPlace::kBlock;
  for (std::int64_t key = begin / kMaskBlock * kMaskBlock; key < end; key += kKeyBlock<S>) {
    const std::int64_t count = min_integer(kKeyBlock<S>, end - key);
    const S* keys = at<S>(work.key, batch, key, key_head);
    const S* values = at<S>(work.value, batch, key, key_head);
    std::int64_t scored = 0;
#if defined(__AMX_BF16__)
    if constexpr (kHasTiles<S>) {
      const auto score_some = [&]<std::int64_t Keys>() {
        const Ahead<S> ahead{values + scored * work.value.row_stride, work.value.row_stride, s.value_dim};
        score_tiles<Keys>(keys + scored * work.key.row_stride, work.key.row_stride, x.tiles_of_queries, lines,
                          width, x.scores + scored, kKeyBlock<S>, [&](std::int64_t k) { ahead.prefetch(k); });
        scored += Keys;
      };
      if (s.dim == width && count == kKeyBlock<S>) score_some.template operator()<kKeyBlock<S>>();
      while (s.dim == width && scored + kTileRows <= count) score_some.template operator()<kTileRows>();
    }
#endif
    for_each_lines<4>(scored < count ? lines : 0, [&]<int Lines>(std::int64_t i) {
      score_keys<Lines>(keys + scored * work.key.row_stride, work.key.row_stride, count - scored,
                        x.query + i * width, width, s.dim, x.scores + i * kKeyBlock<S> + scored);
    });
    for (std::int64_t i = 0; i < lines; ++i) {
      C* scores = x.scores + i * kKeyBlock<S>;
      Packed<S>* weights = x.weights + i * kKeyBlock<S>;
      // Weights are read in pairs of keys, or in whole tiles.
      for (std::int64_t k = count; k < (kHasTiles<S> ? kKeyBlock<S> : (count + 1) / 2 * 2); ++k)
        from_compute(C(0), weights[k]);
      if (is_modified(s))
        modify_by_query<C>(s, batch, key_head * group + i % group, i / group, key, count, scores);
      const IndexRange looked = keys_of(s, batch, i / group);
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
          store_some(weights + k, lane_numbers<C>() < splat_integer<C>(valid - k) ? p : Vector<C>{}, n);
        });
        total[i] = 1;
        continue;
      }
      const C highest = row_maximum(scores, valid) * scale2,
              now = highest > maximum[i] ? highest : maximum[i];
      const C offset = now == C(-__builtin_inf()) ? C(0) : now;
      const C shrink = maximum[i] == C(-__builtin_inf()) ? C(0) : exp2_scalar<C>(maximum[i] - offset);
      maximum[i] = now;
      Vector<C> sum{};
      for_each_vector<C>(count, [&](std::int64_t k, std::int64_t n) {
        Vector<C> p = exp2_of<S>(load_some(scores + k, n) * scale2 - splat(offset));
        p = lane_numbers<C>() < splat_integer<C>(min_integer(n, valid - k)) ? p : Vector<C>{};
        store_some(weights + k, p, n);
        sum += p;
      });
      total[i] = total[i] * shrink + sum_lanes<C>(sum);
      if (shrink != C(1))
        for (std::int64_t j = 0; j < value_width; j += kLanes<C>)
          store(x.sum + i * value_width + j, load(x.sum + i * value_width + j) * shrink);
    }
#if defined(__AMX_BF16__)
    if constexpr (kHasTiles<S>) {
      const Ahead<S> ahead{keys + kKeyBlock<S> * work.key.row_stride, work.key.row_stride, s.dim};
      add_tiles<kKeyBlock<S>>(values, work.value.row_stride, count, s.value_dim, x.weights, lines, x.sum,
                              value_width, [&](std::int64_t k) { ahead.prefetch(k); });
      continue;
    }
#endif
    // Two lines, that a row of values may be read whole: of four there are too many sums for that.
    for_each_lines<2>(lines, [&]<int Lines>(std::int64_t i) {
      add_all_weighted<Lines>(values, work.value.row_stride, count, s.value_dim, x.weights + i * kKeyBlock<S>,
                              x.sum + i * value_width, value_width);
    });
  }
#if defined(__AMX_BF16__)
  if constexpr (kHasTiles<S>)
    for (std::int64_t i = 0; i < lines; ++i) in_order(x.sum + i * value_width, value_width);
#endif
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
  visit_floating(work.shape.dtype, [&]<class S>() {
    const TileScope tiles;
    decode_of<S>(work, batch, key_head, memory);
  });
}

}  // namespace

void fill_decode(backend::AttentionKernels& kernels) {
  kernels.decode_scratch_bytes = decode_scratch_bytes;
  kernels.decode = decode;
}

}  // namespace attend::ATTEND_ISA
