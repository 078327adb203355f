// Every way to compute a mechanism tells an observer the same, and computes the same with and without one.

#include "attend/attention/observe.h"

#include <gtest/gtest.h>

#include "attend/attention/attend.h"
#include "attend/attention/cache.h"
#include "attend/attention/statistics.h"
#include "attend/autograd/tape.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/mechanism_cases.h"

namespace attend {
namespace {

using Settings = attention::Run;
using attention::Mechanism;
using attention::Statistics;
using autograd::Tensors;

constexpr std::int64_t kLayer = 3, kTop = 4;

class Listener : public attention::Observer {
 public:
  bool wants(std::int64_t layer) override { return layer == kLayer; }
  void observe(std::int64_t layer, const Tensor& seen) override {
    EXPECT_EQ(layer, kLayer);
    weights.push_back(seen);
  }
  std::optional<attention::StatisticsOptions> wants_statistics(std::int64_t layer) override {
    if (layer != kLayer) return std::nullopt;
    return attention::StatisticsOptions{.top = kTop};
  }
  void observe_statistics(std::int64_t layer, const Statistics& seen) override {
    EXPECT_EQ(layer, kLayer);
    statistics.push_back(seen);
  }
  Tensors weights;
  std::vector<Statistics> statistics;
};

std::string title(const Mechanism& row, bool causal, bool training) {
  return std::string(row.name) + (causal ? " causal" : "") + (training ? " training" : "");
}

// Computes with and without an observer: one call for weights and one for statistics, the same bits.
template <class Compute>
void told_by(const Compute& compute, const Settings& run, Listener& listener, const std::string& where) {
  Settings observed = run;
  observed.observer = &listener;
  observed.layer = kLayer;
  const Tensor plain = compute(run);
  EXPECT_TRUE(test::same_bits(compute(observed), plain)) << where;
  ASSERT_EQ(listener.weights.size(), 1U) << where;
  ASSERT_EQ(listener.statistics.size(), 1U) << where;
  observed.layer = kLayer + 1;
  EXPECT_TRUE(test::same_bits(compute(observed), plain)) << where;
  EXPECT_EQ(listener.weights.size() + listener.statistics.size(), 2U) << where << ": a layer not wanted";
}

void expect_same(const Listener& got, const Listener& expected, const std::string& where) {
  ASSERT_EQ(got.weights.size() * expected.weights.size(), 1U) << where;
  ASSERT_EQ(got.statistics.size() * expected.statistics.size(), 1U) << where;
  EXPECT_TRUE(test::same_bits(got.weights[0], expected.weights[0])) << where;
  const Statistics &a = got.statistics[0], &b = expected.statistics[0];
  // The log-sums of the pass and those of a second one may come from other kernels: rounding of f64.
  constexpr double kTolerance = 1e-10;
  EXPECT_TRUE(test::same_bits(a.top_keys, b.top_keys)) << where;
  EXPECT_TRUE(test::close(a.top_weights, b.top_weights, kTolerance, kTolerance)) << where;
  EXPECT_TRUE(test::close(a.entropy, b.entropy, kTolerance, kTolerance)) << where;
  EXPECT_TRUE(test::close(a.distance, b.distance, kTolerance, kTolerance)) << where;
  EXPECT_TRUE(test::close(a.mass, b.mass, kTolerance, kTolerance)) << where;
}

TEST(Observe, EveryMechanismTellsTheSameAndChangesNoBit) {
  for (const Mechanism& row : attention::mechanisms())
    for (const bool causal : test::forms_of(row))
      for (const bool training : {false, true}) {
        const std::string where = title(row, causal, training);
        AttentionSpec spec = test::small(row, causal);
        // What an observer is told has no dropout; the methods that never make weights have none.
        if (spec.gather.kind == attention::Gather::Kind::weighted_sum) spec.weigh.dropout = 0.3;
        const Tensors x = test::operands(DType::f64);
        const Settings run{.training = training,
                           .random = {5, 9},
                           .parameters = test::parameters_of(spec, DType::f64, test::kLength)};
        Listener told, told_by_definition;
        told_by([&](const Settings& r) { return attention::attend(x[0], x[1], x[2], spec, r); }, run, told,
                where);
        told_by([&](const Settings& r) { return attention::attend_composite(x[0], x[1], x[2], spec, r); },
                run, told_by_definition, where + " by definition");
        expect_same(told, told_by_definition, where);
        ASSERT_EQ(told.weights.size(), 1U);
        EXPECT_TRUE(told.weights[0].shape() ==
                    (Shape{test::kBatch, test::kHeads, test::kLength, test::kLength}))
            << where << " " << told.weights[0].text();
        EXPECT_TRUE(test::same_bits(told.weights[0], attention::weights(x[0], x[1], spec, run))) << where;
      }
}

TEST(Observe, PackedOperandsTellTheSame) {
  const Tensor qkv =
      test::random_tensor({test::kBatch, test::kLength, 3, test::kHeads, test::kDim}, DType::f64, 3);
  const auto part = [&](std::int64_t i) {
    return op::contiguous(
        op::reshape(op::slice(qkv, 2, i, i + 1), {test::kBatch, test::kLength, test::kHeads, test::kDim}));
  };
  for (const Mechanism& row : attention::mechanisms())
    for (const bool causal : test::forms_of(row)) {
      const std::string where = title(row, causal, false) + " packed";
      const AttentionSpec spec = test::small(row, causal);
      const Settings run{.parameters = test::parameters_of(spec, DType::f64, test::kLength)};
      Listener told, told_by_definition;
      told_by([&](const Settings& r) { return attention::attend_packed(qkv, spec, r); }, run, told, where);
      told_by(
          [&](const Settings& r) { return attention::attend_composite(part(0), part(1), part(2), spec, r); },
          run, told_by_definition, where + " by definition");
      expect_same(told, told_by_definition, where);
    }
}

// The newest token over a cache is the last row of what one pass tells.
TEST(Observe, DecodingTellsTheRowOfTheNewestToken) {
  for (const Mechanism& row : attention::mechanisms()) {
    if (!attention::facts_of(row).decode) continue;
    const std::string where = std::string(row.name) + " decoded";
    const AttentionSpec spec = test::small(row, true);
    const Tensors x = test::operands(DType::f64);
    attention::KeyValueCache cache(test::kBatch, test::kLength, test::kKeyHeads, test::kDim, DType::f64);
    cache.append(x[1], x[2]);
    const Settings run{.parameters = test::parameters_of(spec, DType::f64, 1)};
    const Tensor newest = op::contiguous(op::slice(x[0], 1, test::kLength - 1, test::kLength));
    Listener told;
    told_by([&](const Settings& r) { return attention::attend_cached(newest, cache, spec, r); }, run, told,
            where);
    ASSERT_EQ(told.weights.size(), 1U);
    const Settings whole{.parameters = test::parameters_of(spec, DType::f64, test::kLength)};
    const Tensor all = attention::weights(x[0], x[1], spec, whole);
    EXPECT_TRUE(test::close(
        told.weights[0], op::contiguous(op::slice(all, 2, test::kLength - 1, test::kLength)), 1e-10, 1e-10))
        << where;
  }
}

}  // namespace
}  // namespace attend
