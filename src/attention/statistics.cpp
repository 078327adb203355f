#include "attend/attention/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attention/fused.h"
#include "attention/kernel_work.h"
#include "attention/steps.h"
#include "backend/kernels.h"
#include "backend/kernels/attention_top.h"

namespace attend::attention {

namespace {

using backend::AttentionShape;

Statistics empty_statistics(const AttentionShape& s, const StatisticsOptions& options) {
  if (options.top < 0 || options.top > backend::kMostTop)
    throw Error(
        fmt::format("attention statistics: top {} is not from 0 to {}", options.top, backend::kMostTop));
  const DType dtype = sum_dtype(s.dtype);
  return {.top_keys = Tensor::empty({s.batch, s.heads, s.queries, options.top}, DType::i32),
          .top_weights = Tensor::empty({s.batch, s.heads, s.queries, options.top}, dtype),
          .entropy = Tensor::empty({s.batch, s.heads, s.queries}, dtype),
          .distance = Tensor::empty({s.batch, s.heads, s.queries}, dtype),
          .mass = Tensor::zeros({s.batch, s.heads, s.keys}, dtype)};
}

// Statistics of a whole matrix [batch, heads, queries, keys].
Statistics counted(const Tensor& weights, const StatisticsOptions& options) {
  const std::int64_t queries = weights.dim(2), keys = weights.dim(3);
  const AttentionShape shape = {.dtype = weights.dtype(),
                                .batch = weights.dim(0),
                                .heads = weights.dim(1),
                                .queries = queries,
                                .keys = keys,
                                .place = {},
                                .function = {}};
  const Statistics result = empty_statistics(shape, options);
  visit_sum_dtype(weights.dtype(), [&]<class C>() {
    parallel_for(shape.batch * shape.heads, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<std::int32_t> order(static_cast<std::size_t>(keys));
      const auto top = static_cast<std::size_t>(std::min(options.top, keys));
      for (std::int64_t row = begin * queries; row < end * queries; ++row) {
        const C* w = weights.data<C>() + row * keys;
        C* mass = result.mass.data<C>() + row / queries * keys;
        C entropy = 0, distance = 0;
        for (std::int64_t j = 0; j < keys; ++j) {
          if (w[j] > 0) entropy -= w[j] * std::log(w[j]);
          distance += w[j] * static_cast<C>(std::abs(row % queries + keys - queries - j));
          mass[j] += w[j];
        }
        result.entropy.data<C>()[row] = entropy;
        result.distance.data<C>()[row] = distance;
        std::iota(order.begin(), order.end(), 0);
        std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top), order.end(),
                          [&](std::int32_t a, std::int32_t b) { return w[a] != w[b] ? w[a] > w[b] : a < b; });
        for (std::int64_t i = 0; i < options.top; ++i) {
          const bool is_there = i < keys && w[order[static_cast<std::size_t>(i)]] > 0;
          const std::int64_t at = row * options.top + i;
          result.top_keys.data<std::int32_t>()[at] = is_there ? order[static_cast<std::size_t>(i)] : -1;
          result.top_weights.data<C>()[at] = is_there ? w[order[static_cast<std::size_t>(i)]] : C(0);
        }
      }
    });
  });
  return result;
}

// Keys of every head packed for the kernels.
class PackedKeys {
 public:
  explicit PackedKeys(const Lowered& x) : shape_(shape_of(x)) {
    const auto& kernels = backend::kernels().attention;
    backend::AttentionForward work;
    work.shape = shape_;
    work.query = operand(x.query);
    work.key = operand(x.key);
    bytes_ = kernels.packed_bytes(shape_);
    const std::size_t scratch_bytes = kernels.forward_scratch_bytes(shape_);
    const std::int64_t units = shape_.batch * shape_.key_heads;
    memory_ = Storage::allocate(bytes_ * static_cast<std::size_t>(units));
    parallel_for(units, 1, [&](std::int64_t begin, std::int64_t end) {
      std::shared_ptr<Storage> memory;
      for (std::int64_t unit = begin; unit < end; ++unit)
        kernels.pack(work, unit / shape_.key_heads, unit % shape_.key_heads,
                     memory_->data() + unit * static_cast<std::int64_t>(bytes_),
                     scratch(memory, scratch_bytes));
    });
  }

  const void* of(std::int64_t batch, std::int64_t head) const {
    const std::int64_t unit = batch * shape_.key_heads + head / (shape_.heads / shape_.key_heads);
    return memory_->data() + unit * static_cast<std::int64_t>(bytes_);
  }

 private:
  AttentionShape shape_;
  std::size_t bytes_ = 0;
  std::shared_ptr<Storage> memory_;
};

std::int64_t blocks_of(std::int64_t queries) {
  const std::int64_t block = backend::kernels().attention.query_block;
  return (queries + block - 1) / block;
}

}  // namespace

Statistics fused_statistics(const Lowered& x, const Tensor& log_sum, const StatisticsOptions& options) {
  const AttentionShape s = shape_of(x);
  const Statistics result = empty_statistics(s, options);
  const std::int64_t blocks = blocks_of(s.queries), units = s.batch * s.heads;
  // By the shape alone, so that sums have one order for any number of threads.
  constexpr std::int64_t kUnits = 8;
  const std::int64_t slices = std::clamp<std::int64_t>(
      (kUnits + units - 1) / std::max<std::int64_t>(units, 1), 1, std::max<std::int64_t>(1, blocks));
  const Tensor parts =
      slices == 1 ? result.mass : Tensor::zeros({s.batch, s.heads, slices, s.keys}, result.mass.dtype());
  const backend::AttentionObserve work = {.shape = s,
                                          .query = operand(x.query),
                                          .key = operand(x.key),
                                          .log_sum = log_sum.raw(),
                                          .top = options.top,
                                          .top_keys = result.top_keys.data<std::int32_t>(),
                                          .top_weights = result.top_weights.raw(),
                                          .entropy = result.entropy.raw(),
                                          .distance = result.distance.raw(),
                                          .slices = slices,
                                          .mass = parts.raw()};
  const PackedKeys packed(x);
  const auto& kernels = backend::kernels().attention;
  const std::size_t bytes = kernels.observe_scratch_bytes(s);
  parallel_for(units * slices, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> memory;
    for (std::int64_t unit = begin; unit < end; ++unit) {
      const std::int64_t batch = unit / slices / s.heads, head = unit / slices % s.heads;
      // Every slice takes blocks from all over the sequence: with a causal mask the last ones are longest.
      for (std::int64_t block = unit % slices; block < blocks; block += slices)
        kernels.observe_block(work, batch, head, block, unit % slices, packed.of(batch, head),
                              scratch(memory, bytes));
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
  const AttentionShape s = shape_of(x);
  const std::int64_t block = backend::kernels().attention.query_block,
                     first = tile.first_query / block * block;
  const Tensor rows =
      Tensor::zeros({(tile.last_query - first + block - 1) / block * block, s.keys}, sum_dtype(s.dtype));
  const backend::AttentionObserve work = {.shape = s,
                                          .query = operand(x.query),
                                          .key = operand(x.key),
                                          .log_sum = log_sum.raw(),
                                          .weights = rows.raw(),
                                          .first_query = first};
  const PackedKeys packed(x);
  const auto& kernels = backend::kernels().attention;
  const std::size_t bytes = kernels.observe_scratch_bytes(s);
  parallel_for(rows.dim(0) / block, 1, [&](std::int64_t begin, std::int64_t end) {
    std::shared_ptr<Storage> memory;
    for (std::int64_t i = begin; i < end; ++i)
      kernels.observe_block(work, tile.batch, tile.head, first / block + i, 0,
                            packed.of(tile.batch, tile.head), scratch(memory, bytes));
  });
  return rows
      .view_as({tile.last_query - tile.first_query, s.keys}, rows.strides(),
               (tile.first_query - first) * s.keys)
      .clone();
}

Statistics statistics(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run,
                      const StatisticsOptions& options) {
  check_operands(query, key, key, spec);
  const autograd::NoGrad no_grad;
  if (!has_fused_statistics(spec)) return counted(weights(query, key, spec, run), options);
  const Lowered x = lower(query, key, key, spec, run);
  return fused_statistics(x, fused_forward(x).log_sum, options);
}

void tell_observer(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run,
                   const FusedPass& pass) {
  if (run.observer == nullptr) return;
  const autograd::NoGrad no_grad;
  if (run.observer->wants(run.layer)) run.observer->observe(run.layer, weights(query, key, spec, run));
  if (const auto wanted = run.observer->wants_statistics(run.layer))
    run.observer->observe_statistics(run.layer, pass.x != nullptr && has_fused_statistics(spec)
                                                    ? fused_statistics(*pass.x, pass.log_sum, *wanted)
                                                    : statistics(query, key, spec, run, *wanted));
}

Tensor weights_tile(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Tile& tile,
                    const Run& run) {
  check_operands(query, key, key, spec);
  if (tile.batch < 0 || tile.batch >= query.dim(0) || tile.head < 0 || tile.head >= query.dim(2) ||
      tile.first_query < 0 || tile.first_query >= tile.last_query || tile.last_query > query.dim(1))
    throw Error(fmt::format("attention tile of batch row {}, head {}, queries {} to {} is not in query {}",
                            tile.batch, tile.head, tile.first_query, tile.last_query, query.text()));
  const autograd::NoGrad no_grad;
  if (is_fused(spec)) {
    const Lowered x = lower(query, key, key, spec, run);
    return fused_tile(x, fused_forward(x).log_sum, tile);
  }
  const Tensor all = weights(query, key, spec, run);
  return all
      .view_as(
          {tile.last_query - tile.first_query, all.dim(3)}, {all.strides()[2], all.strides()[3]},
          tile.batch * all.strides()[0] + tile.head * all.strides()[1] + tile.first_query * all.strides()[2])
      .clone();
}

}  // namespace attend::attention
