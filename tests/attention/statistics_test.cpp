#include "attend/attention/statistics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "support/sanitized.h"

namespace attend {
namespace {

using attention::Place;
using attention::Statistics;
using test::random_tensor;

struct Case {
  const char* name;
  AttentionSpec spec;
};

std::vector<Case> cases() {
  std::vector<Case> all(5);
  all[0] = {"full", {}};
  all[1].name = "causal";
  all[1].spec.place.mask = Place::Mask::causal;
  all[2].name = "window, capped";
  all[2].spec.place.window = 20;
  all[2].spec.score.soft_cap = 2;
  all[3].name = "big bird";
  all[3].spec.place.block = 16;
  all[4].name = "sparsemax";
  all[4].spec.weigh.kind = attention::Weigh::Kind::sparsemax;
  return all;
}

// From the exact matrix, in plain loops.
void expect_counts(const Statistics& got, const Tensor& weights, std::int64_t top, double tolerance,
                   const char* name) {
  const std::int64_t queries = weights.dim(2), keys = weights.dim(3);
  std::vector<double> entropy, distance, top_weights,
      mass(static_cast<std::size_t>(weights.elements() / queries));
  const Tensor exact = backend::cast(weights, DType::f64);
  for (std::int64_t row = 0; row < exact.elements() / keys; ++row) {
    const double* w = exact.data<double>() + row * keys;
    double h = 0, d = 0;
    for (std::int64_t j = 0; j < keys; ++j) {
      if (w[j] > 0) h -= w[j] * std::log(w[j]);
      d += w[j] * std::abs(static_cast<double>(row % queries + keys - queries - j));
      mass[static_cast<std::size_t>(row / queries * keys + j)] += w[j];
    }
    entropy.push_back(h);
    distance.push_back(d);
    std::vector<double> sorted(w, w + keys);
    std::sort(sorted.rbegin(), sorted.rend());
    for (std::int64_t i = 0; i < top; ++i) {
      top_weights.push_back(i < keys ? sorted[static_cast<std::size_t>(i)] : 0);
      const std::int32_t key = got.top_keys.data<std::int32_t>()[row * top + i];
      // Keys whose weights are equal within rounding may change places: the weight of the key told is
      // compared.
      EXPECT_EQ(key == -1, !(top_weights.back() > 0)) << name << " row " << row;
      if (key != -1) {
        EXPECT_NEAR(w[key], top_weights.back(), tolerance) << name << " row " << row << " place " << i;
      }
    }
  }
  EXPECT_TRUE(
      test::close(got.top_weights, Tensor::from(top_weights, got.top_weights.shape()), tolerance, tolerance))
      << name;
  EXPECT_TRUE(test::close(got.entropy, Tensor::from(entropy, got.entropy.shape()), tolerance, tolerance))
      << name;
  EXPECT_TRUE(
      test::close(got.distance, Tensor::from(distance, got.distance.shape()), tolerance, tolerance * 9))
      << name;
  EXPECT_TRUE(test::close(got.mass, Tensor::from(mass, got.mass.shape()), tolerance, tolerance)) << name;
}

TEST(Statistics, EqualThoseOfTheExactMatrix) {
  for (const Case& c : cases())
    for (const auto& [queries, keys] :
         {std::pair<std::int64_t, std::int64_t>{1, 1}, {5, 3}, {70, 130}, {300, 300}}) {
      if (test::kSanitized && queries == 300) continue;
      for (const auto& [dtype, tolerance] :
           {std::pair{DType::f64, 1e-11}, {DType::f32, 2e-5}, {DType::bf16, 2e-3}}) {
        const Tensor query = backend::cast(random_tensor({2, queries, 4, 24}, DType::f64, 3), dtype),
                     key = backend::cast(random_tensor({2, keys, 2, 24}, DType::f64, 4), dtype);
        const Statistics got = attention::statistics(query, key, c.spec, {}, {.top = 5});
        expect_counts(got, attention::weights(query, key, c.spec), 5, tolerance, c.name);
      }
    }
}

TEST(Statistics, TilesAreRowsOfTheExactMatrix) {
  for (const Case& c : cases()) {
    const Tensor query = random_tensor({2, 150, 4, 24}, DType::f32, 3),
                 key = random_tensor({2, 200, 2, 24}, DType::f32, 4);
    const Tensor all = attention::weights(query, key, c.spec);
    const Tensor tile = attention::weights_tile(
        query, key, c.spec, {.batch = 1, .head = 2, .first_query = 70, .last_query = 131});
    const Tensor expected = all.view_as({61, 200}, {200, 1}, ((1 * 4 + 2) * 150 + 70) * 200).clone();
    EXPECT_TRUE(test::close(tile, expected, 1e-5, 1e-6)) << c.name;
  }
}

class Counter : public attention::Observer {
 public:
  bool wants(std::int64_t) override { return false; }
  void observe(std::int64_t, const Tensor&) override {}
  std::optional<attention::StatisticsOptions> wants_statistics(std::int64_t layer) override {
    if (layer != 3) return std::nullopt;
    return attention::StatisticsOptions{.top = 2};
  }
  void observe_statistics(std::int64_t, const Statistics& statistics) override { seen.push_back(statistics); }
  std::vector<Statistics> seen;
};

TEST(Statistics, AnObserverGetsThemAndChangesNoBit) {
  for (const Case& c : cases())
    for (const DType dtype : {DType::f32, DType::bf16}) {
      const Tensor query = backend::cast(random_tensor({1, 90, 2, 16}, DType::f64, 3), dtype),
                   key = backend::cast(random_tensor({1, 90, 2, 16}, DType::f64, 4), dtype),
                   value = backend::cast(random_tensor({1, 90, 2, 16}, DType::f64, 5), dtype);
      Counter counter;
      const Tensor plain = attention::attend(query, key, value, c.spec);
      for (const std::int64_t layer : {3, 4})
        EXPECT_TRUE(test::same_bits(
            attention::attend(query, key, value, c.spec, {.observer = &counter, .layer = layer}), plain))
            << c.name;
      ASSERT_EQ(counter.seen.size(), 1U) << c.name;
      expect_counts(counter.seen[0], attention::weights(query, key, c.spec), 2,
                    dtype == DType::f32 ? 2e-5 : 2e-3, c.name);
    }
}

// Later keys score higher, so that every block of keys brings a new maximum; the sink joins the sum only.
TEST(Statistics, CountMaximaThatGrowAndSinks) {
  for (const bool sink : {false, true})
    for (const auto& [dtype, tolerance] :
         {std::pair{DType::f64, 1e-10}, {DType::f32, 5e-5}, {DType::bf16, 4e-3}}) {
      AttentionSpec spec;
      spec.weigh.sink = sink;
      const Tensor keys = random_tensor({1, 700, 2, 24}, DType::f64, 4),
                   query = random_tensor({1, 70, 2, 24}, DType::f64, 3);
      for (std::int64_t i = 0; i < keys.elements(); ++i) {
        const std::int64_t token = i / (2 * 24);
        const double growth = 1 + static_cast<double>(token) / 200;
        keys.data<double>()[i] = growth * std::abs(keys.data<double>()[i]);
      }
      for (std::int64_t i = 0; i < query.elements(); ++i)
        query.data<double>()[i] = std::abs(query.data<double>()[i]);
      attention::Run run;
      run.parameters.sink_logits = Tensor::from(std::vector<double>{9, 14}, {2});
      if (dtype != DType::f64)
        run.parameters.sink_logits = backend::cast(run.parameters.sink_logits, DType::f32);
      const Tensor q = backend::cast(query, dtype), k = backend::cast(keys, dtype);
      expect_counts(attention::statistics(q, k, spec, run, {.top = 7}), attention::weights(q, k, spec, run),
                    7, tolerance, sink ? "with a sink" : "growing");
    }
}

TEST(Statistics, AreOfTheWeightsBeforeDropout) {
  AttentionSpec spec;
  spec.weigh.dropout = 0.5;
  const Tensor query = random_tensor({1, 90, 2, 16}, DType::f32, 3),
               key = random_tensor({1, 300, 2, 16}, DType::f32, 4),
               value = random_tensor({1, 300, 2, 16}, DType::f32, 5);
  Counter counter;
  attention::Run run = {.training = true, .random = {7, 1}, .layer = 3};
  const Tensor plain = attention::attend(query, key, value, spec, run);
  run.observer = &counter;
  EXPECT_TRUE(test::same_bits(attention::attend(query, key, value, spec, run), plain));
  ASSERT_EQ(counter.seen.size(), 1U);
  expect_counts(counter.seen[0], attention::weights(query, key, spec), 2, 2e-5, "dropout");
}

TEST(Statistics, AreTheSameBitsForAnyNumberOfThreads) {
  const int before = threads();
  const Tensor query = random_tensor({1, 500, 1, 16}, DType::f32, 3),
               key = random_tensor({1, 500, 1, 16}, DType::f32, 4);
  set_threads(1);
  const Statistics one = attention::statistics(query, key, {});
  set_threads(3);
  const Statistics three = attention::statistics(query, key, {});
  set_threads(before);
  EXPECT_TRUE(test::same_bits(one.mass, three.mass));
  EXPECT_TRUE(test::same_bits(one.entropy, three.entropy));
}

TEST(Statistics, OfEqualWeightsTheFirstKeysAreTold) {
  for (const Case& c : cases()) {
    if (c.spec.place.block > 0) continue;
    const Tensor query = Tensor::zeros({1, 20, 2, 8}), key = random_tensor({1, 20, 1, 8}, DType::f32, 4);
    const Statistics got = attention::statistics(query, key, c.spec, {}, {.top = 3});
    for (std::int64_t row = 2; row < 20; ++row)
      for (std::int64_t i = 0; i < 3; ++i)
        EXPECT_EQ(got.top_keys.data<std::int32_t>()[row * 3 + i], i) << c.name << " row " << row;
  }
}

TEST(Statistics, SayWhatDoesNotFit) {
  const Tensor x = random_tensor({1, 5, 1, 8}, DType::f32, 3);
  EXPECT_ERROR((attention::statistics(x, x, {}, {}, {.top = 65})), "top 65 is not from 0 to 64");
  EXPECT_ERROR((attention::statistics(x, x, {}, {}, {.top = -1})), "top -1 is not from 0 to 64");
  for (const attention::Tile& tile : {attention::Tile{.last_query = 6},
                                      {.last_query = 0},
                                      {.first_query = -1, .last_query = 2},
                                      {.first_query = 3, .last_query = 3},
                                      {.batch = 1, .last_query = 2},
                                      {.batch = -1, .last_query = 2},
                                      {.head = 1, .last_query = 2},
                                      {.head = -1, .last_query = 2}})
    EXPECT_ERROR(attention::weights_tile(x, x, {}, tile),
                 fmt::format("batch row {}, head {}, queries {} to {} is not in", tile.batch, tile.head,
                             tile.first_query, tile.last_query));
}

}  // namespace
}  // namespace attend
