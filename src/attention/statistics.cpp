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

namespace attend::attention {

namespace {

using backend::AttentionShape;

constexpr std::int64_t kMostTop = 64;

}  // namespace

Statistics empty_statistics(const AttentionShape& s, const StatisticsOptions& options) {
  if (options.top < 0 || options.top > kMostTop)
    throw Error(fmt::format("attention statistics: top {} is not from 0 to {}", options.top, kMostTop));
  const DType dtype = sum_dtype(s.dtype);
  return {.top_keys = Tensor::empty({s.batch, s.heads, s.queries, options.top}, DType::i32),
          .top_weights = Tensor::empty({s.batch, s.heads, s.queries, options.top}, dtype),
          .entropy = Tensor::empty({s.batch, s.heads, s.queries}, dtype),
          .distance = Tensor::empty({s.batch, s.heads, s.queries}, dtype),
          .mass = Tensor::zeros({s.batch, s.heads, s.keys}, dtype)};
}

Statistics statistics_of(const Tensor& weights, const StatisticsOptions& options) {
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

Statistics statistics(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run,
                      const StatisticsOptions& options) {
  check_operands(query, key, key, spec);
  const autograd::NoGrad no_grad;
  if (!has_fused_statistics(spec)) return statistics_of(weights(query, key, spec, run), options);
  const Lowered x = lower(query, key, key, spec, run);
  return *fused_forward(x, options).statistics;
}

std::optional<StatisticsOptions> wanted_of_pass(const AttentionSpec& spec, const Run& run) {
  if (run.observer == nullptr || !has_fused_statistics(spec)) return {};
  return run.observer->wants_statistics(run.layer);
}

void tell_observer(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run,
                   const FusedResult* pass) {
  if (run.observer == nullptr) return;
  const autograd::NoGrad no_grad;
  if (run.observer->wants(run.layer)) run.observer->observe(run.layer, weights(query, key, spec, run));
  if (pass != nullptr && has_fused_statistics(spec)) {
    if (pass->statistics) run.observer->observe_statistics(run.layer, *pass->statistics);
  } else if (const auto wanted = run.observer->wants_statistics(run.layer)) {
    run.observer->observe_statistics(run.layer, statistics(query, key, spec, run, *wanted));
  }
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
