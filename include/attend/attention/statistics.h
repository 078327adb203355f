#pragma once

#include "attend/attention/attend.h"

namespace attend::attention {

/// Statistics of all weights, before dropout: the fused forward pass counts its weights while it has them, in
/// memory for the weights of 64 queries a thread beside the result. Mechanisms without fused kernels, and
/// sigmoid weights, are counted from their matrix. Off the tape. Throws Error for `top` out of range, and
/// what attend() throws.
Statistics statistics(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run = {},
                      const StatisticsOptions& options = {});

/// Statistics of weights [batch, heads, queries, keys] that are there already, f32 or f64, dense. Throws
/// Error for `top` out of range.
Statistics statistics_of(const Tensor& weights, const StatisticsOptions& options = {});

/// The exact weights of one head of one batch row, before dropout, for queries first_query to last_query - 1:
/// [queries, keys]; memory for these alone.
struct Tile {
  std::int64_t batch = 0, head = 0, first_query = 0, last_query = 0;
};
Tensor weights_tile(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Tile& tile,
                    const Run& run = {});

}  // namespace attend::attention
