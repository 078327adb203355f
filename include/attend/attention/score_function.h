#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <utility>

namespace attend::attention {

/// Where a block of scores lies: that of query first_query + i and key first_key + j is
/// scores[i * query_stride + j * key_stride]; one of the strides is 1.
struct ScoreBlock {
  std::int64_t batch = 0, head = 0, first_query = 0, first_key = 0, queries = 0, keys = 0, query_stride = 0,
               key_stride = 0;
};

/// A score of the user's own, s' = f(s), as the fused kernels and the composite call it, a block at a time.
/// It must be a pure function: blocks come in any order, from several threads, and again in the backward
/// pass. Made by score_function() from a callable of one score; derive from it only for blocks by hand.
class ScoreFunction {
 public:
  virtual ~ScoreFunction() = default;
  /// Replaces each score by f(score).
  virtual void apply(const ScoreBlock& block, float* scores) const = 0;
  virtual void apply(const ScoreBlock& block, double* scores) const = 0;
  /// Writes f'(score) for each of `scores` (as they were before apply).
  virtual void derivative(const ScoreBlock& block, const float* scores, float* derivatives) const = 0;
  virtual void derivative(const ScoreBlock& block, const double* scores, double* derivatives) const = 0;
};

/// Whose score a callable is asked about. Query and key are indices; both sequences end together.
struct ScoreIndex {
  std::int64_t batch, head, query, key;
};

namespace detail {

template <class F, class T>
[[gnu::always_inline]] inline T call_score(const F& f, T score, const ScoreIndex& index) {
  if constexpr (std::invocable<const F&, T, const ScoreIndex&>)
    return static_cast<T>(f(score, index));
  else
    return static_cast<T>(f(score));
}

// The body of a loop over a block, the contiguous side inside so that the compiler makes vectors of it.
template <class F, class T>
[[gnu::always_inline]] inline void map_scores(const F& f, const ScoreBlock& b, const T* from, T* to) {
  const bool by_query = b.key_stride == 1;
  const std::int64_t lines = by_query ? b.queries : b.keys, length = by_query ? b.keys : b.queries,
                     stride = by_query ? b.query_stride : b.key_stride;
  for (std::int64_t i = 0; i < lines; ++i) {
    const T* x = from + i * stride;
    T* y = to + i * stride;
    if (by_query)
      for (std::int64_t j = 0; j < length; ++j)
        y[j] = call_score(f, x[j], {b.batch, b.head, b.first_query + i, b.first_key + j});
    else
      for (std::int64_t j = 0; j < length; ++j)
        y[j] = call_score(f, x[j], {b.batch, b.head, b.first_query + j, b.first_key + i});
  }
}

template <class F, class T>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]] void map_scores_avx512(const F& f,
                                                                                      const ScoreBlock& b,
                                                                                      const T* from, T* to) {
  map_scores(f, b, from, to);
}
template <class F, class T>
[[gnu::target("avx2,fma")]] void map_scores_avx2(const F& f, const ScoreBlock& b, const T* from, T* to) {
  map_scores(f, b, from, to);
}

template <class F, class T>
void map_scores_best(const F& f, const ScoreBlock& b, const T* from, T* to) {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return map_scores_avx512(f, b, from, to);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return map_scores_avx2(f, b, from, to);
  map_scores(f, b, from, to);
}

template <class F, class D>
class CompiledScoreFunction final : public ScoreFunction {
 public:
  CompiledScoreFunction(F function, D derivative)
      : function_(std::move(function)), derivative_(std::move(derivative)) {}

  void apply(const ScoreBlock& b, float* s) const override { map_scores_best(function_, b, s, s); }
  void apply(const ScoreBlock& b, double* s) const override { map_scores_best(function_, b, s, s); }
  void derivative(const ScoreBlock& b, const float* s, float* d) const override {
    map_scores_best(derivative_, b, s, d);
  }
  void derivative(const ScoreBlock& b, const double* s, double* d) const override {
    map_scores_best(derivative_, b, s, d);
  }

 private:
  F function_;
  D derivative_;
};

}  // namespace detail

/// A score of the user's own from two callables over one score, float and double alike (generic lambdas):
/// `function(s)` or `function(s, ScoreIndex)`, and its derivative with respect to s in the same form. Both
/// are compiled into loops over blocks of scores, for the processor's vectors, which the fused kernels call.
template <class F, class D>
std::shared_ptr<const ScoreFunction> score_function(F function, D derivative) {
  return std::make_shared<detail::CompiledScoreFunction<F, D>>(std::move(function), std::move(derivative));
}

/// The same for a bias: s + bias(ScoreIndex), whose derivative is 1.
template <class B>
std::shared_ptr<const ScoreFunction> score_bias(B bias) {
  return score_function(
      [bias = std::move(bias)](auto s, const ScoreIndex& i) { return s + static_cast<decltype(s)>(bias(i)); },
      [](auto s) { return decltype(s)(1); });
}

}  // namespace attend::attention
