// Attention of few queries over a long cache: every key and value is read once for all query heads that share
// it.

#include "backend/cpu/attention_block.h"
#include "backend/cpu/block_pack.h"
#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::AttentionDecode;
using backend::AttentionShape;

constexpr std::int64_t kKeyBlock = 128;

template <class C>
struct Scratch {
  C *query, *scores, *sum;

  Scratch(Arena& arena, const AttentionShape& s) {
    const std::int64_t lines = s.queries * (s.heads / s.key_heads);
    query = arena.take<C>(lines * padded(s.dim));
    scores = arena.take<C>(lines * kKeyBlock);
    sum = arena.take<C>(lines * (padded(s.value_dim) + 2 * kPanel));
  }
};

template <class S, class C>
C dot(const S* a, const C* b, std::int64_t count) {
  Vector<C> first{}, second{};
  std::int64_t j = 0;
  for (; j + 2 * kLanes<C> <= count; j += 2 * kLanes<C>) {
    first += load(a + j) * load(b + j);
    second += load(a + j + kLanes<C>) * load(b + j + kLanes<C>);
  }
  if (j + kLanes<C> <= count) {
    first += load(a + j) * load(b + j);
    j += kLanes<C>;
  }
  if (j < count) second += load_partial(a + j, count - j) * load_partial(b + j, count - j);
  return sum_lanes<C>(first + second);
}

template <class S>
void decode_of(const AttentionDecode& work, std::int64_t batch, std::int64_t key_head, void* memory) {
  using C = Compute<S>;
  const AttentionShape& s = work.shape;
  Arena arena(memory);
  const Scratch<C> x(arena, s);
  const std::int64_t group = s.heads / s.key_heads, lines = group * s.queries;
  const std::int64_t width = padded(s.dim), value_width = padded(s.value_dim);
  const C scale2 = static_cast<C>(s.scale * 1.4426950408889634);
  // Line i is query i / group of head key_head * group + i % group.
  C* maximum = x.sum + lines * value_width;
  C* total = maximum + lines;
  for (std::int64_t i = 0; i < lines; ++i) {
    pack_rows(at<S>(work.query, batch, i / group, key_head * group + i % group), 0, 1, s.dim,
              x.query + i * width, 1, width);
    maximum[i] = C(-__builtin_inf());
    total[i] = 0;
    for (std::int64_t j = 0; j < value_width; ++j) x.sum[i * value_width + j] = 0;
  }
  for (std::int64_t key = 0; key < s.keys; key += kKeyBlock) {
    const std::int64_t count = min_integer(kKeyBlock, s.keys - key);
    for (std::int64_t k = 0; k < count; ++k) {
      const S* row = at<S>(work.key, batch, key + k, key_head);
      for (std::int64_t i = 0; i < lines; ++i)
        x.scores[i * kKeyBlock + k] = dot(row, x.query + i * width, s.dim) * scale2;
    }
    for (std::int64_t i = 0; i < lines; ++i) {
      const std::int64_t valid =
          s.causal ? max_integer(0, min_integer(count, i / group + s.keys - s.queries + 1 - key)) : count;
      C* scores = x.scores + i * kKeyBlock;
      C now = maximum[i];
      for (std::int64_t k = 0; k < valid; ++k) now = scores[k] > now ? scores[k] : now;
      const C offset = now == C(-__builtin_inf()) ? C(0) : now;
      const C shrink = maximum[i] == C(-__builtin_inf()) ? C(0) : exp2_scalar<C>(maximum[i] - offset);
      maximum[i] = now;
      for (std::int64_t k = valid; k < count; ++k) scores[k] = C(-__builtin_inf());
      Vector<C> sum{};
      for_each_vector<C>(count, [&](std::int64_t k, std::int64_t n) {
        Vector<C> p = exp2_of<S>(load_some(scores + k, n) - splat(offset));
        p = lane_numbers<C>() < splat_integer<C>(n) ? p : Vector<C>{};
        store_some(scores + k, p, n);
        sum += p;
      });
      total[i] = total[i] * shrink + sum_lanes<C>(sum);
      if (shrink != C(1))
        for (std::int64_t j = 0; j < value_width; j += kLanes<C>)
          store(x.sum + i * value_width + j, load(x.sum + i * value_width + j) * shrink);
    }
    for (std::int64_t k = 0; k < count; ++k) {
      const S* row = at<S>(work.value, batch, key + k, key_head);
      for (std::int64_t i = 0; i < lines; ++i) {
        const C p = x.scores[i * kKeyBlock + k];
        C* sum = x.sum + i * value_width;
        for_each_vector<C>(s.value_dim, [&](std::int64_t j, std::int64_t n) {
          store_some(sum + j, load_some(sum + j, n) + load_some(row + j, n) * p, n);
        });
      }
    }
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
  visit_floating(s.dtype, [&]<class S>() { Scratch<Compute<S>>(arena, s); });
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
