// What the fused kernels tell of their weights: statistics that ride along with a forward pass, and the exact
// weights of a part.

#include <algorithm>

#include "attention/fused.h"
#include "attention/kernel_work.h"
#include "attention/packed_heads.h"

namespace attend::attention {

Statistics forward_with_statistics(const backend::AttentionForward& work, const StatisticsOptions& options) {
  const backend::AttentionShape& s = work.shape;
  const auto& kernels = backend::kernels().attention;
  const Statistics result = empty_statistics(s, options);
  const std::int64_t block_queries = kernels.query_block(s),
                     blocks = (s.queries + block_queries - 1) / block_queries, units = s.batch * s.heads;
  // By the shape alone, so that sums have one order for any number of threads.
  constexpr std::int64_t kUnits = 8;
  const std::int64_t slices = std::clamp<std::int64_t>(
      (kUnits + units - 1) / std::max<std::int64_t>(units, 1), 1, std::max<std::int64_t>(1, blocks));
  const Tensor parts =
      slices == 1 ? result.mass : Tensor::zeros({s.batch, s.heads, slices, s.keys}, result.mass.dtype());
  const backend::AttentionStatistics statistics = {.top = options.top,
                                                   .top_keys = result.top_keys.data<std::int32_t>(),
                                                   .top_weights = result.top_weights.raw(),
                                                   .entropy = result.entropy.raw(),
                                                   .distance = result.distance.raw(),
                                                   .slices = slices,
                                                   .mass = parts.raw()};
  backend::AttentionForward counting = work;
  counting.statistics = &statistics;
  const PackedHeads packed(counting);
  const std::size_t bytes = kernels.forward_scratch_bytes(counting);
  parallel_for(units * slices, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> memory;
    for (std::int64_t unit = begin; unit < end; ++unit) {
      const std::int64_t batch = unit / slices / s.heads, head = unit / slices % s.heads;
      // Every slice takes blocks from all over the sequence: with a causal mask the last ones are longest.
      for (std::int64_t block = unit % slices; block < blocks; block += slices)
        kernels.forward_block(counting, batch, head, block, packed.of(batch, head), scratch(memory, bytes));
    }
  });
  if (slices > 1)
    visit_sum_dtype(result.mass.dtype(), [&]<class C>() {
      for (std::int64_t i = 0; i < units * slices * s.keys; ++i)
        result.mass.data<C>()[i / (slices * s.keys) * s.keys + i % s.keys] += parts.data<C>()[i];
    });
  return result;
}

Tensor fused_tile(const Lowered& x, const Tensor& log_sum, const Tile& tile) {
  const backend::AttentionShape s = shape_of(x);
  const auto& kernels = backend::kernels().attention;
  const std::int64_t block = kernels.query_block(s), first = tile.first_query / block * block;
  const Tensor rows =
      Tensor::zeros({(tile.last_query - first + block - 1) / block * block, s.keys}, sum_dtype(s.dtype));
  const backend::AttentionTile work = {.shape = s,
                                       .query = operand(x.query),
                                       .key = operand(x.key),
                                       .log_sum = log_sum.raw(),
                                       .weights = rows.raw(),
                                       .first_query = first};
  const PackedHeads packed({.shape = s, .query = work.query, .key = work.key, .value = {}, .output = {}});
  const std::size_t bytes = kernels.tile_scratch_bytes(s);
  parallel_for(rows.dim(0) / block, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> memory;
    for (std::int64_t i = begin; i < end; ++i)
      kernels.tile_block(work, tile.batch, tile.head, first / block + i, packed.of(tile.batch, tile.head),
                         scratch(memory, bytes));
  });
  return rows
      .view_as({tile.last_query - tile.first_query, s.keys}, rows.strides(),
               (tile.first_query - first) * s.keys)
      .clone();
}

}  // namespace attend::attention
