// What the additive score's own kernels promise beyond tests/attention/fused_test.cpp.

#include <gtest/gtest.h>

#include <cmath>

#include "attend/attention/attend.h"
#include "attend/attention/statistics.h"
#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/base/random.h"
#include "attention/fused.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using attention::Place;
using autograd::Tensors;
using test::random_tensor;

struct Sizes {
  std::int64_t batch = 1, queries = 1, keys = 1, heads = 1, key_heads = 1, dim = 8, key_dim = 8,
               value_dim = 8, hidden = 8;
};

attention::Parameters parameters_of(const Sizes& z, double scale, DType dtype) {
  const auto scaled = [&](const Shape& shape, std::uint64_t seed) {
    const Tensor x = random_tensor(shape, DType::f64, seed);
    for (std::int64_t i = 0; i < x.elements(); ++i) x.data<double>()[i] *= scale;
    return backend::cast(x, dtype == DType::f64 ? DType::f64 : DType::f32).clone();
  };
  attention::Parameters p;
  p.query_weight = scaled({z.heads, z.hidden, z.dim}, 1);
  p.key_weight = scaled({z.heads, z.hidden, z.key_dim}, 2);
  p.vector = backend::cast(random_tensor({z.heads, z.hidden}, DType::f64, 3), p.query_weight.dtype()).clone();
  return p;
}

AttentionSpec additive(Place::Mask mask) {
  AttentionSpec spec;
  spec.score.kind = attention::Score::Kind::additive;
  spec.place.mask = mask;
  return spec;
}

// The output and all gradients: of query, key, value, query_weight, key_weight and vector.
Tensors results_of(const Sizes& z, double scale, DType dtype, decltype(attention::attend)& function) {
  attention::Run run = {.training = true, .random = {5, 9}, .parameters = parameters_of(z, scale, dtype)};
  AttentionSpec spec = additive(Place::Mask::causal);
  spec.weigh.dropout = 0.1;
  Tensors leaves;
  std::uint64_t seed = 21;
  for (const Shape& shape :
       {Shape{z.batch, z.queries, z.heads, z.dim}, Shape{z.batch, z.keys, z.key_heads, z.key_dim},
        Shape{z.batch, z.keys, z.key_heads, z.value_dim}})
    leaves.push_back(backend::cast(random_tensor(shape, DType::f64, seed++), dtype).clone());
  for (const Tensor& parameter :
       {run.parameters.query_weight, run.parameters.key_weight, run.parameters.vector})
    leaves.push_back(parameter);
  for (const Tensor& leaf : leaves) autograd::set_requires_grad(leaf);
  const Tensor y = function(leaves[0], leaves[1], leaves[2], spec, run);
  autograd::backward(y, backend::cast(random_tensor(y.shape(), DType::f64, 31), dtype));
  Tensors results = {y};
  for (const Tensor& leaf : leaves) results.push_back(autograd::grad(leaf));
  return results;
}

// Keys that are prepared once give what the same keys give in each call, all gradients included.
TEST(Additive, PreparedKeysEqualTheOthers) {
  const Sizes z{.batch = 2, .queries = 3, .keys = 5, .heads = 2, .key_heads = 2, .dim = 4, .key_dim = 7};
  const AttentionSpec spec = additive(Place::Mask::none);
  // A single query is a step of a recurrent decoder and has a kernel of its own.
  for (const std::int64_t queries : {1, 3})
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
      for (auto* const function : {attention::attend, attention::attend_composite}) {
        std::vector<Tensors> results;
        for (const bool prepares : {false, true}) {
          attention::Run run = {.parameters = parameters_of(z, 0.5, dtype),
                                .key_lengths = Tensor::from(std::vector<std::int32_t>{5, 3}, {2})};
          Tensors leaves;
          std::uint64_t seed = 21;
          for (const Shape& shape : {Shape{2, queries, 2, 4}, Shape{2, 5, 2, 7}, Shape{2, 5, 2, 8}})
            leaves.push_back(backend::cast(random_tensor(shape, DType::f64, seed++), dtype).clone());
          for (const Tensor& one :
               {run.parameters.query_weight, run.parameters.key_weight, run.parameters.vector})
            leaves.push_back(one);
          for (const Tensor& leaf : leaves) autograd::set_requires_grad(leaf);
          Tensor key = leaves[1];
          if (prepares) {
            key = attention::prepared_keys(key, 2, spec, run.parameters);
            run.keys_are_prepared = true;
          }
          const Tensor y = function(leaves[0], key, leaves[2], spec, run);
          autograd::backward(y, backend::cast(random_tensor(y.shape(), DType::f64, 31), dtype));
          results.push_back({y.detach()});
          for (const Tensor& leaf : leaves) results.back().push_back(autograd::grad(leaf));
        }
        const double tolerance = dtype == DType::f64 ? 1e-12 : dtype == DType::f32 ? 2e-5 : 4e-2;
        for (std::size_t i = 0; i < results[0].size(); ++i)
          EXPECT_TRUE(test::close(results[1][i], results[0][i], tolerance, tolerance))
              << i << ", " << name_of(dtype) << ", queries " << queries;
      }
  attention::Run run = {.parameters = parameters_of(z, 0.5, DType::f64)};
  run.keys_are_prepared = true;
  const Tensor x = random_tensor({2, 5, 2, 7}, DType::f64, 22);
  EXPECT_ERROR(attention::attend(random_tensor({2, 3, 2, 4}, DType::f64, 21), x, x, spec, run),
               "prepared keys f64 [2, 5, 2, 7], [batch, keys, 2, 8] needed");
  EXPECT_ERROR(attention::prepared_keys(x, 2, spec, {}), "parameter vector");
}

// Queries and keys of unlike sizes, more hidden units than a head may have features, and units so large that
// e^2a e^2b would overflow.
TEST(Additive, EqualsTheCompositeForAnyHiddenSizeAndScale) {
  for (const Sizes& z :
       {Sizes{.queries = 3, .keys = 5, .dim = 3, .key_dim = 7, .hidden = 1},
        Sizes{.batch = 2, .queries = 20, .keys = 70, .heads = 4, .key_heads = 2, .key_dim = 5, .hidden = 300},
        Sizes{.queries = 130, .keys = 130, .heads = 2, .key_heads = 2, .value_dim = 33, .hidden = 17}})
    for (const double scale : {1e-3, 0.5, 30.0}) {
      const Tensors exact = results_of(z, scale, DType::f64, attention::attend_composite);
      for (const auto& [dtype, tolerance] : {std::pair{DType::f64, 1e-11}, {DType::f32, 1e-4}}) {
        // The roundings of a and b themselves are that much larger.
        const double bound = tolerance * std::max(1.0, scale);
        const Tensors got = results_of(z, scale, dtype, attention::attend);
        for (std::size_t i = 0; i < got.size(); ++i)
          EXPECT_TRUE(test::close(got[i], exact[i], bound, bound))
              << name_of(dtype) << ", result " << i << ", scale " << scale << ", hidden " << z.hidden;
      }
    }
}

// Of the kernels alone: the projections before them are matrix products of a library, whose sums on AVX2 have
// an order that depends on the threads.
TEST(Additive, GivesTheSameBitsForAnyNumberOfThreads) {
  const int before = threads();
  const Sizes z = {.batch = 2, .queries = 200, .keys = 300, .heads = 2, .hidden = 24};
  const autograd::NoGrad no_grad;
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
    const attention::Run run = {
        .training = true, .random = {5, 9}, .parameters = parameters_of(z, 0.5, dtype)};
    AttentionSpec spec = additive(Place::Mask::causal);
    spec.weigh.dropout = 0.1;
    const auto operand = [&](std::int64_t length, std::int64_t heads, std::uint64_t seed) {
      return backend::cast(random_tensor({z.batch, length, heads, z.dim}, DType::f64, seed), dtype).clone();
    };
    const Tensor cotangent = operand(z.queries, z.heads, 31);
    const attention::Lowered x =
        attention::lower(operand(z.queries, z.heads, 1), operand(z.keys, z.key_heads, 2),
                         operand(z.keys, z.key_heads, 3), spec, run);
    const auto results = [&] {
      const attention::FusedResult result = attention::fused_forward(x);
      const auto like = [](const Tensor& tensor) { return Tensor::empty(tensor.shape(), tensor.dtype()); };
      const attention::LoweredGradients g = {.query = like(x.query),
                                             .key = like(x.key),
                                             .value = like(x.value),
                                             .key_bias = {},
                                             .distance_bias = {},
                                             .sink = {},
                                             .vector = like(x.vector)};
      attention::fused_backward(x, result, cotangent, g);
      return Tensors{result.output, result.log_sum, g.query, g.key, g.value, g.vector};
    };
    set_threads(1);
    const Tensors one = results();
    for (const int count : {2, 5}) {
      set_threads(count);
      const Tensors several = results();
      for (std::size_t i = 0; i < one.size(); ++i)
        EXPECT_TRUE(test::same_bits(one[i], several[i])) << name_of(dtype) << ", result " << i;
    }
  }
  set_threads(before);
}

TEST(Additive, StatisticsAndTilesEqualTheExactMatrix) {
  const Sizes z = {.batch = 2, .queries = 150, .keys = 200, .heads = 4, .key_heads = 2, .hidden = 12};
  AttentionSpec spec = additive(Place::Mask::none);
  spec.place.window = 40;
  for (const auto& [dtype, tolerance] :
       {std::pair{DType::f64, 1e-11}, {DType::f32, 2e-5}, {DType::bf16, 2e-3}}) {
    const Tensor query =
                     backend::cast(random_tensor({z.batch, z.queries, z.heads, z.dim}, DType::f64, 4), dtype),
                 key = backend::cast(random_tensor({z.batch, z.keys, z.key_heads, z.key_dim}, DType::f64, 5),
                                     dtype);
    const attention::Run run = {.parameters = parameters_of(z, 0.5, dtype)};
    const Tensor exact = backend::cast(attention::weights(query, key, spec, run), DType::f64);
    const attention::Statistics got = attention::statistics(query, key, spec, run, {.top = 1});
    std::vector<double> entropy, most;
    for (std::int64_t row = 0; row < exact.elements() / z.keys; ++row) {
      const double* w = exact.data<double>() + row * z.keys;
      entropy.push_back(0);
      most.push_back(0);
      for (std::int64_t j = 0; j < z.keys; ++j) {
        if (w[j] > 0) entropy.back() -= w[j] * std::log(w[j]);
        most.back() = std::max(most.back(), w[j]);
      }
    }
    EXPECT_TRUE(test::close(got.entropy, Tensor::from(entropy, got.entropy.shape()), tolerance, tolerance));
    EXPECT_TRUE(
        test::close(got.top_weights, Tensor::from(most, got.top_weights.shape()), tolerance, tolerance));
    const Tensor tile = attention::weights_tile(
        query, key, spec, {.batch = 1, .head = 3, .first_query = 70, .last_query = 131}, run);
    const Tensor rows = exact.view_as({61, 200}, {200, 1}, ((1 * 4 + 3) * 150 + 70) * 200).clone();
    EXPECT_TRUE(test::close(tile, rows, tolerance, tolerance)) << name_of(dtype);
  }
}

TEST(Additive, MemoryGrowsLinearlyWithTheLength) {
  constexpr std::int64_t kLength = 2048;
  const Sizes z = {.queries = kLength, .keys = kLength, .heads = 2, .key_heads = 2, .hidden = 8};
  release_cached_memory();
  const std::int64_t before = memory_use().current;
  reset_peak_memory();
  results_of(z, 0.5, DType::f32, attention::attend);
  // One [queries, keys] matrix of one head in f32; all operands, gradients and scratch are less than that.
  EXPECT_LT(memory_use().peak - before, 4 * kLength * kLength);
}

}  // namespace
}  // namespace attend
