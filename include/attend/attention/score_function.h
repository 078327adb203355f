#pragma once

#include <cstdint>

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

}  // namespace attend::attention
