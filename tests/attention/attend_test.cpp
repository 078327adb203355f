#include "attend/attention/attend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "attend/attention/cache.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"
#include "support/sanitized.h"

namespace attend {
namespace {

using attention::Place;
using autograd::Tensors;
using test::random_tensor;

struct Sizes {
  std::int64_t batch, queries, keys, heads, key_heads, dim, value_dim;
};

Tensors random_inputs(const Sizes& s, DType dtype, std::uint64_t seed) {
  return {random_tensor({s.batch, s.queries, s.heads, s.dim}, dtype, seed),
          random_tensor({s.batch, s.keys, s.key_heads, s.dim}, dtype, seed + 1),
          random_tensor({s.batch, s.keys, s.key_heads, s.value_dim}, dtype, seed + 2)};
}

AttentionSpec spec_of(bool causal, double dropout = 0) {
  AttentionSpec spec;
  spec.place.mask = causal ? Place::Mask::causal : Place::Mask::none;
  spec.weigh.dropout = dropout;
  return spec;
}

// Output and gradients of one call with a given cotangent.
Tensors run(const Tensors& inputs, const Tensor& cotangent, const AttentionSpec& spec,
            const attention::Run& settings, decltype(attention::attend)& function = attention::attend) {
  Tensors leaves;
  for (const Tensor& input : inputs) {
    leaves.push_back(input.clone());
    autograd::set_requires_grad(leaves.back());
  }
  const Tensor y = function(leaves[0], leaves[1], leaves[2], spec, settings);
  autograd::backward(y, backend::cast(cotangent, y.dtype()));
  return {y, autograd::grad(leaves[0]), autograd::grad(leaves[1]), autograd::grad(leaves[2])};
}

// The definition in plain loops.
Tensor by_definition(const Tensors& inputs, bool causal) {
  const Tensor &q = inputs[0], &k = inputs[1], &v = inputs[2];
  const std::int64_t group = q.dim(2) / k.dim(2), reach = k.dim(1) - q.dim(1);
  const Tensor out = Tensor::zeros({q.dim(0), q.dim(1), q.dim(2), v.dim(3)}, DType::f64);
  const auto at = [](const Tensor& t, std::int64_t b, std::int64_t i, std::int64_t h) {
    return t.data<double>() + ((b * t.dim(1) + i) * t.dim(2) + h) * t.dim(3);
  };
  for (std::int64_t b = 0; b < q.dim(0); ++b)
    for (std::int64_t h = 0; h < q.dim(2); ++h)
      for (std::int64_t i = 0; i < q.dim(1); ++i) {
        const std::int64_t n = causal ? std::clamp<std::int64_t>(i + reach + 1, 0, k.dim(1)) : k.dim(1);
        std::vector<double> w(static_cast<std::size_t>(n));
        double best = -1e300, total = 0;
        const double* query = at(q, b, i, h);
        for (std::int64_t j = 0; j < n; ++j) {
          const double* key = at(k, b, j, h / group);
          const double score = std::inner_product(query, query + q.dim(3), key, 0.0);
          w[static_cast<std::size_t>(j)] = score / std::sqrt(static_cast<double>(q.dim(3)));
          best = std::max(best, w[static_cast<std::size_t>(j)]);
        }
        for (double& x : w) total += x = std::exp(x - best);
        double* sum = at(out, b, i, h);
        for (std::int64_t j = 0; j < n; ++j) {
          const double weight = w[static_cast<std::size_t>(j)] / total;
          std::transform(sum, sum + v.dim(3), at(v, b, j, h / group), sum,
                         [weight](double before, double value) { return before + weight * value; });
        }
      }
  return out;
}

const std::vector<Sizes> kAwkward = {{1, 1, 1, 1, 1, 8, 8},
                                     {2, 3, 5, 2, 1, 8, 16},
                                     {1, 63, 65, 2, 2, 40, 40},
                                     {1, 64, 64, 4, 2, 64, 64},
                                     {2, 65, 130, 2, 2, 80, 24},
                                     {1, 127, 127, 1, 1, 128, 128},
                                     {1, 300, 70, 2, 1, 16, 8},
                                     {1, 70, 300, 1, 1, 256, 256},
                                     // Enough heads that each thread takes whole ones.
                                     {4, 70, 70, 8, 4, 16, 16},
                                     {3, 5, 9, 18, 6, 8, 8},
                                     // Enough queries for the larger blocks.
                                     {2, 300, 300, 8, 4, 8, 8},
                                     {1, 2100, 2100, 1, 1, 8, 8}};

TEST(Attend, ForwardFollowsTheDefinition) {
  for (const Sizes& s : kAwkward)
    for (const bool causal : {false, true}) {
      const Tensors inputs = random_inputs(s, DType::f64, 7);
      const Tensor expected = by_definition(inputs, causal);
      for (const auto& [dtype, tolerance] :
           {std::pair{DType::f64, 1e-13}, {DType::f32, 3e-6}, {DType::bf16, 2e-2}}) {
        const Tensors x = {backend::cast(inputs[0], dtype), backend::cast(inputs[1], dtype),
                           backend::cast(inputs[2], dtype)};
        EXPECT_TRUE(
            test::close(attention::attend(x[0], x[1], x[2], spec_of(causal)), expected, tolerance, tolerance))
            << name_of(dtype) << " queries " << s.queries << " keys " << s.keys << " causal " << causal;
      }
    }
}

TEST(Attend, GradientsMatchFiniteDifferences) {
  for (const bool causal : {false, true})
    for (const double dropout : {0.0, 0.3})
      for (const Sizes& s :
           std::vector<Sizes>{{1, 3, 5, 2, 1, 4, 3}, {2, 5, 4, 1, 1, 3, 2}, {1, 20, 37, 1, 1, 2, 2}}) {
        const attention::Run settings = {.training = true, .random = {5, 9}};
        EXPECT_TRUE(test::gradients_match(
            [&](const Tensors& x) {
              return Tensors{attention::attend(x[0], x[1], x[2], spec_of(causal, dropout), settings)};
            },
            random_inputs(s, DType::f64, 3)))
            << "causal " << causal << " dropout " << dropout << " queries " << s.queries;
      }
}

TEST(Attend, CompositeGradientsMatchFiniteDifferences) {
  const attention::Run settings = {.training = true, .random = {5, 9}};
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& x) {
        return Tensors{attention::attend_composite(x[0], x[1], x[2], spec_of(true, 0.3), settings)};
      },
      random_inputs({2, 3, 5, 2, 1, 4, 3}, DType::f64, 3)));
}

TEST(Attend, OutputAndGradientsEqualTheComposite) {
  for (const Sizes& s : kAwkward)
    for (const bool causal : {false, true})
      for (const double dropout : {0.0, 0.1}) {
        if (test::kSanitized && causal != (dropout > 0)) continue;  // half of the longest test but one
        const Tensors inputs = random_inputs(s, DType::f64, 11);
        const Tensor cotangent = random_tensor({s.batch, s.queries, s.heads, s.value_dim}, DType::f64, 12);
        const attention::Run settings = {.training = true, .random = {5, 9}};
        const AttentionSpec spec = spec_of(causal, dropout);
        const Tensors exact = run(inputs, cotangent, spec, settings, attention::attend_composite);
        for (const auto& [dtype, tolerance] :
             {std::pair{DType::f64, 1e-12}, {DType::f32, 2e-5}, {DType::bf16, 6e-2}}) {
          const Tensors x = {backend::cast(inputs[0], dtype), backend::cast(inputs[1], dtype),
                             backend::cast(inputs[2], dtype)};
          const Tensors got = run(x, cotangent, spec, settings);
          for (std::size_t i = 0; i < 4; ++i)
            EXPECT_TRUE(test::close(got[i], exact[i], tolerance, tolerance))
                << name_of(dtype) << " result " << i << " queries " << s.queries << " keys " << s.keys
                << " d " << s.dim << " causal " << causal << " dropout " << dropout;
        }
      }
}

TEST(Attend, WeightsAreThoseOfTheDefinition) {
  const Tensors x = random_inputs({2, 5, 7, 4, 2, 8, 8}, DType::f32, 71);
  const Tensor w = attention::weights(x[0], x[1], spec_of(true));
  ASSERT_EQ(w.shape(), (Shape{2, 4, 5, 7}));
  const auto values = w.to_vector<double>();
  for (std::size_t row = 0; row < values.size() / 7; ++row) {
    double sum = 0;
    for (std::size_t j = 0; j < 7; ++j) {
      sum += values[row * 7 + j];
      if (j > row % 5 + 2) {
        EXPECT_EQ(values[row * 7 + j], 0);
      }
    }
    EXPECT_NEAR(sum, 1, 1e-6);
  }
}

struct Recorder : attention::Observer {
  bool wants(std::int64_t layer) override { return layer == 3; }
  void observe(std::int64_t layer, const Tensor& weights) override {
    EXPECT_EQ(layer, 3);
    seen.push_back(weights);
  }
  Tensors seen;
};

TEST(Attend, ObservingChangesNoBit) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensors x = random_inputs({2, 65, 65, 4, 2, 40, 40}, dtype, 81);
    Recorder recorder;
    const Tensor plain = attention::attend(x[0], x[1], x[2], spec_of(true));
    const Tensor observed =
        attention::attend(x[0], x[1], x[2], spec_of(true), {.observer = &recorder, .layer = 3});
    attention::attend(x[0], x[1], x[2], spec_of(true), {.observer = &recorder, .layer = 2});
    EXPECT_TRUE(test::same_bits(plain, observed));
    ASSERT_EQ(recorder.seen.size(), 1U);
    EXPECT_TRUE(test::same_bits(recorder.seen[0], attention::weights(x[0], x[1], spec_of(true))));
  }
}

TEST(Attend, PackedEqualsSeparateBitForBit) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor qkv = random_tensor({2, 70, 3, 4, 32}, dtype, 1),
                 cotangent = random_tensor({2, 70, 4, 32}, dtype, 2);
    autograd::set_requires_grad(qkv);
    const AttentionSpec spec = spec_of(true);
    const Tensor y = attention::attend_packed(qkv, spec);
    autograd::backward(y, cotangent);
    const auto part = [&](const Tensor& t, int i) {
      return t.view_as({2, 70, 4, 32}, {70 * 384, 384, 32, 1}, i * 128);
    };
    const Tensors separate = run({part(qkv, 0), part(qkv, 1), part(qkv, 2)}, cotangent, spec, {});
    EXPECT_TRUE(test::same_bits(y, separate[0]));
    for (int i = 0; i < 3; ++i)
      EXPECT_TRUE(test::same_bits(part(autograd::grad(qkv), i), separate[static_cast<std::size_t>(i) + 1]))
          << i;
  }
}

TEST(Attend, SameBitsForAnyNumberOfThreadsAndAnyNeighbours) {
  const int before = threads();
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const std::int64_t heads : {1, 8}) {
      const Tensors inputs = random_inputs({3, 200, 200, heads, heads, 64, 64}, dtype, 21);
      const Tensor cotangent = random_tensor({3, 200, heads, 64}, dtype, 22);
      const attention::Run settings = {.training = true, .random = {1, 2}};
      set_threads(1);
      const Tensors one = run(inputs, cotangent, spec_of(true, 0.1), settings);
      set_threads(2);
      const Tensors two = run(inputs, cotangent, spec_of(true, 0.1), settings);
      for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(test::same_bits(one[i], two[i])) << i;
      // The first row of the batch alone: the path for few heads, without its neighbours.
      const auto first = [](const Tensor& t) {
        Shape shape = t.shape();
        shape.set(0, 1);
        return t.view_as(shape, t.strides()).clone();
      };
      const Tensors alone = run({first(inputs[0]), first(inputs[1]), first(inputs[2])}, first(cotangent),
                                spec_of(true, 0.1), settings);
      for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(test::same_bits(first(two[i]), alone[i])) << i;
    }
  set_threads(before);
}

TEST(Attend, QueriesThatMayLookAtNothingGiveZerosAndFiniteGradients) {
  // Five queries, two keys, both ending together: the first three queries see no key.
  const Tensors inputs = random_inputs({1, 5, 2, 1, 1, 8, 8}, DType::f32, 31);
  const Tensors results = run(inputs, random_tensor({1, 5, 1, 8}, DType::f32, 32), spec_of(true), {});
  const auto y = results[0].to_vector<float>(), dq = results[1].to_vector<float>();
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_EQ(y[i], 0);
    EXPECT_EQ(dq[i], 0);
  }
  EXPECT_NE(y[24], 0);
  for (const Tensor& result : results)
    for (const float x : result.to_vector<float>()) EXPECT_TRUE(std::isfinite(x));
}

TEST(Attend, DropoutKeepsTheExpectedShareAndTheMean) {
  // With zero queries all weights are equal, and with values of one the output of a query is its kept share.
  const std::int64_t n = 512;
  const Tensor zeros = Tensor::zeros({1, n, 2, 16}), ones = Tensor::full({1, n, 2, 16}, 1);
  const attention::Run settings = {.training = true, .random = {3, 4}};
  double sum = 0, square = 0;
  const auto y = attention::attend(zeros, zeros, ones, spec_of(false, 0.25), settings).to_vector<double>();
  for (std::size_t i = 0; i < y.size(); i += 16) {
    sum += y[i];
    square += y[i] * y[i];
  }
  const double rows = 2.0 * static_cast<double>(n), mean = sum / rows, variance = square / rows - mean * mean;
  EXPECT_NEAR(mean, 1, 0.003);  // standard error 0.0008
  // Bernoulli: the variance of a mean of n draws of 0 or 1 / 0.75.
  EXPECT_NEAR(variance, 0.25 / 0.75 / static_cast<double>(n), 1e-4);
  EXPECT_TRUE(test::same_bits(attention::attend(zeros, zeros, ones, spec_of(false, 0.25), {}),
                              attention::attend(zeros, zeros, ones, spec_of(false, 0), {})));
}

TEST(Attend, NaNComesThroughAndIsNotHidden) {
  Tensors inputs = random_inputs({1, 4, 4, 1, 1, 8, 8}, DType::f32, 41);
  inputs[1].data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  const auto y = attention::attend(inputs[0], inputs[1], inputs[2], spec_of(true)).to_vector<float>();
  EXPECT_TRUE(std::isnan(y[31]));
}

TEST(Attend, MemoryGrowsLinearly) {
  // How many threads have scratch memory at once is chance.
  const int before = threads();
  set_threads(1);
  const auto peak = [](std::int64_t length) {
    const Tensors inputs = random_inputs({1, length, length, 1, 1, 32, 32}, DType::bf16, 51);
    const std::int64_t before = memory_use().current;
    reset_peak_memory();
    run(inputs, random_tensor({1, length, 1, 32}, DType::bf16, 52), spec_of(true), {});
    return static_cast<double>(memory_use().peak - before);
  };
  EXPECT_LT(peak(4096), 4.5 * peak(1024));
  set_threads(before);
}

Tensor rows_of(const Tensor& t, std::int64_t first, std::int64_t count) {
  Shape shape = t.shape();
  shape.set(1, count);
  return t.view_as(shape, t.strides(), first * t.strides()[1]);
}

TEST(Cached, EqualsTheLastQueriesOfFullAttention) {
  for (const auto& [dtype, tolerance] :
       {std::pair{DType::f64, 1e-13}, {DType::f32, 2e-6}, {DType::bf16, 1e-2}})
    for (const std::int64_t dim : {7, 24, 40, 64, 100})
      for (const std::int64_t length : {5, 128, 150, 151}) {
        // Ten heads over two, so that four queries are more lines than a tile has.
        const Tensors x = random_inputs({2, length, length, 10, 2, dim, dim}, dtype, 61);
        attention::KeyValueCache cache(2, 160, 2, dim, dtype);
        const std::int64_t some = length * 2 / 3;
        cache.append(rows_of(x[1], 0, some), rows_of(x[2], 0, some));
        cache.append(rows_of(x[1], some, length - some), rows_of(x[2], some, length - some));
        const Tensor full = attention::attend(x[0], x[1], x[2], spec_of(true));
        for (const std::int64_t newest : {1, 2, 4, 5, 33}) {
          if (newest > length) continue;
          const Tensor got =
              attention::attend_cached(rows_of(x[0], length - newest, newest), cache, spec_of(true));
          EXPECT_TRUE(test::close(got, rows_of(full, length - newest, newest), tolerance, tolerance))
              << name_of(dtype) << " newest " << newest << " of " << length << " d " << dim;
        }
      }
}

TEST(Cached, ForgetsWhatIsCutOff) {
  const Tensors x = random_inputs({2, 9, 9, 2, 1, 8, 8}, DType::f32, 62),
                other = random_inputs({2, 9, 9, 2, 1, 8, 8}, DType::f32, 63);
  attention::KeyValueCache cache(2, 9, 1, 8, DType::f32);
  cache.append(rows_of(x[1], 0, 6), rows_of(x[2], 0, 6));
  cache.append(rows_of(other[1], 0, 3), rows_of(other[2], 0, 3));
  cache.truncate(6);
  EXPECT_EQ(cache.length(), 6);
  cache.append(rows_of(x[1], 6, 3), rows_of(x[2], 6, 3));
  EXPECT_TRUE(test::same_bits(cache.keys(), x[1]));
  EXPECT_TRUE(test::same_bits(cache.values(), x[2]));
  cache.truncate(0);
  EXPECT_EQ(cache.length(), 0);
}

TEST(Cached, NamesWhatDoesNotFit) {
  EXPECT_ERROR(attention::KeyValueCache(1, 4, 1, 8, DType::i32), "i32: sizes from 1, f32, bf16 or f64");
  EXPECT_ERROR(attention::KeyValueCache(1, 0, 1, 8, DType::f64), "capacity 0");
  attention::KeyValueCache cache(1, 4, 1, 8, DType::f32);
  const auto t = [](const Shape& shape) { return Tensor::zeros(shape); };
  cache.append(t({1, 3, 1, 8}), t({1, 3, 1, 8}));
  EXPECT_ERROR(cache.append(t({1, 2, 1, 8}), t({1, 2, 1, 8})),
               "key/value cache of 4 tokens is full: 3 are in it, 2 more given");
  EXPECT_THROW(cache.append(t({1, 1, 1, 8}), t({1, 1, 1, 7})), Error);
  EXPECT_EQ(cache.length(), 3);
  EXPECT_ERROR(cache.truncate(4), "of length 3 cannot be cut to 4");
  EXPECT_ERROR(cache.truncate(-1), "cannot be cut to -1");
}

TEST(Attend, TakesACotangentThatIsAView) {
  const Tensors inputs = random_inputs({2, 5, 5, 2, 2, 8, 8}, DType::f64, 64);
  const Tensor dense = random_tensor({2, 5, 2, 8}, DType::f64, 65);
  // The same numbers with another order of axes in memory, the last of them not dense.
  const Tensor across = dense.view_as({2, 5, 8, 2}, {80, 16, 1, 8}).clone();
  const Tensor view = across.view_as({2, 5, 2, 8}, {80, 16, 1, 2});
  ASSERT_TRUE(test::same_bits(view, dense));
  const Tensors expected = run(inputs, dense, spec_of(true), {});
  Tensors leaves;
  for (const Tensor& input : inputs) {
    leaves.push_back(input.clone());
    autograd::set_requires_grad(leaves.back());
  }
  const Tensors got = autograd::gradients({attention::attend(leaves[0], leaves[1], leaves[2], spec_of(true))},
                                          leaves, {view});
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(test::same_bits(got[i], expected[i + 1])) << i;
}

TEST(Attend, TakesItsScaleFromTheSpec) {
  const Tensors x = random_inputs({1, 6, 6, 2, 2, 8, 8}, DType::f64, 66);
  const AttentionSpec plain = spec_of(true);
  AttentionSpec scaled = plain;
  scaled.score.scale = 0.7;
  // The same as the usual scale over larger queries.
  const Tensor larger = x[0].clone();
  for (std::int64_t i = 0; i < larger.elements(); ++i) larger.data<double>()[i] *= 0.7 * std::sqrt(8.0);
  const Tensor expected = attention::attend(larger, x[1], x[2], plain);
  EXPECT_TRUE(test::close(attention::attend(x[0], x[1], x[2], scaled), expected, 1e-13, 1e-13));
  EXPECT_TRUE(test::close(attention::attend_composite(x[0], x[1], x[2], scaled), expected, 1e-13, 1e-13));
}

TEST(Attend, NamesWhatDoesNotFit) {
  const auto t = [](const Shape& shape, DType dtype = DType::f32) { return Tensor::zeros(shape, dtype); };
  EXPECT_ERROR(attention::attend(t({1, 2, 2, 8}), t({1, 2, 2, 7}), t({1, 2, 2, 8}), {}), "differ in d");
  EXPECT_ERROR(attention::attend(t({1, 2, 2, 8}), t({1, 3, 2, 8}), t({1, 2, 2, 8}), {}), "differ in length");
  EXPECT_ERROR(attention::attend(t({1, 2, 2, 8}), t({1, 3, 1, 8}), t({1, 3, 2, 8}), {}), "length or heads");
  EXPECT_ERROR(attention::attend(t({2, 2, 2, 8}), t({1, 2, 2, 8}), t({1, 2, 2, 8}), {}), "batches differ");
  EXPECT_ERROR(attention::attend(t({1, 2, 2, 8}), t({1, 2, 2, 8}, DType::bf16), t({1, 2, 2, 8}), {}),
               "all are f32, all bf16 or all f64");
  EXPECT_ERROR(attention::attend(t({2, 2, 8}), t({1, 2, 2, 8}), t({1, 2, 2, 8}), {}), "[batch, length");
  EXPECT_ERROR(attention::attend(t({1, 2, 8, 2}).view_as({1, 2, 2, 8}, {32, 16, 1, 2}), t({1, 2, 2, 8}),
                                 t({1, 2, 2, 8}), {}),
               "the last stride must be 1");
  EXPECT_ERROR(attention::attend_packed(t({1, 2, 2, 2, 8}), {}), "[batch, length, 3, heads, d]");
  EXPECT_THROW(attention::attend(t({1, 2, 3, 8}), t({1, 2, 2, 8}), t({1, 2, 2, 8}), {}), Error);
  EXPECT_THROW(attention::attend(t({1, 2, 2, 300}), t({1, 2, 2, 300}), t({1, 2, 2, 8}), {}), Error);
  EXPECT_THROW(attention::attend(t({1, 2, 2, 8}, DType::i32), t({1, 2, 2, 8}), t({1, 2, 2, 8}), {}), Error);
  EXPECT_THROW(attention::attend(t({1, 2, 2, 8}), t({1, 2, 2, 8}), t({1, 2, 2, 8}), spec_of(false, 1.0)),
               Error);
}

}  // namespace
}  // namespace attend
