// What is particular to each method that never builds the matrix of weights: what it estimates, padding,
// causality, memory, and what it refuses.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attend/attention/attend.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attention/linear.h"
#include "attention/steps.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/linear_methods.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using attention::Gather;
using attention::Place;
using test::can_be_causal;
using test::kLinearKinds;
using test::random_tensor;
using Kind = Gather::Kind;

AttentionSpec spec_of(Kind kind, bool causal = false, std::int64_t features = 16) {
  return test::linear_spec(kind, causal, features);
}

// Projections for linformer of up to 4096 keys.
attention::Run run_of(const AttentionSpec& spec, DType dtype = DType::f64) {
  attention::Run run;
  if (spec.gather.kind == Kind::linformer) {
    run.parameters.key_projection = random_tensor({spec.gather.features, 4096}, dtype, 21, -0.1, 0.1);
    run.parameters.value_projection = random_tensor({spec.gather.features, 4096}, dtype, 22, -0.1, 0.1);
  }
  return run;
}

Tensor answer(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec,
              const attention::Run& run, bool by_definition = false) {
  return attention::linear_attention(q, k, v, spec, run, by_definition);
}

double mean_error(const Tensor& got, const Tensor& expected) {
  const auto a = got.to_vector<double>(), b = expected.to_vector<double>();
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

// Softmax attention by its definition.
Tensor softmax_attention(const Tensor& q, const Tensor& k, const Tensor& v, bool causal) {
  AttentionSpec spec;
  spec.place.mask = causal ? Place::Mask::causal : Place::Mask::none;
  return attention::attend_composite(q, k, v, spec);
}

TEST(Performer, BlocksOfFeaturesAreOrthogonal) {
  constexpr std::int64_t kDim = 40, kFeatures = 100;
  const Tensor rows = attention::orthogonal_features(
      {.kind = Kind::performer, .features = kFeatures, .seed = 3}, kDim, DType::f64);
  const double* w = rows.data<double>();
  double mean_square = 0;
  for (std::int64_t r = 0; r < kFeatures; ++r)
    for (std::int64_t s = 0; s <= r; ++s) {
      double product = 0;
      for (std::int64_t d = 0; d < kDim; ++d) product += w[r * kDim + d] * w[s * kDim + d];
      if (r == s) mean_square += product / kFeatures;
      if (r != s && r / kDim == s / kDim) {
        EXPECT_LT(std::abs(product), 1e-12) << "rows " << r << " and " << s;
      }
    }
  // |w|^2 is chi-squared with 40 degrees of freedom: mean 40, standard deviation of the mean of 100 0.9.
  EXPECT_NEAR(mean_square, kDim, 3.6);
}

TEST(Performer, FeaturesDependOnTheSeedAlone) {
  const auto rows = [](std::int64_t features, std::int64_t dim, std::uint64_t seed) {
    return attention::orthogonal_features({.kind = Kind::performer, .features = features, .seed = seed}, dim,
                                          DType::f64);
  };
  const Tensor first = rows(20, 8, 1);
  EXPECT_FALSE(test::same_bits(rows(20, 8, 2), first));
  rows(20, 16, 1);
  EXPECT_TRUE(test::same_bits(rows(20, 8, 1), first));
}

TEST(Performer, EstimatesSoftmaxAttentionAsFeaturesGrow) {
  const Tensor q = random_tensor({1, 50, 2, 16}, DType::f64, 1);
  const Tensor k = random_tensor({1, 50, 2, 16}, DType::f64, 2);
  const Tensor v = random_tensor({1, 50, 2, 16}, DType::f64, 3);
  for (const bool causal : {false, true}) {
    const Tensor expected = softmax_attention(q, k, v, causal);
    const auto error = [&](std::int64_t features) {
      const AttentionSpec spec = spec_of(Kind::performer, causal, features);
      return mean_error(answer(q, k, v, spec, run_of(spec)), expected);
    };
    // The standard deviation falls with the root of the number of features: by 8 from 64 to 4096.
    const double few = error(64), many = error(4096);
    EXPECT_LT(many, few / 4) << "causal " << causal << ": " << few << " to " << many;
    EXPECT_LT(many, 0.01) << "causal " << causal;
  }
}

TEST(Performer, LargeInputsStayFinite) {
  for (const bool causal : {false, true}) {
    const Tensor q = random_tensor({1, 70, 2, 64}, DType::f32, 1, -20, 20);
    const Tensor k = random_tensor({1, 70, 2, 64}, DType::f32, 2, -20, 20);
    const Tensor v = random_tensor({1, 70, 2, 8}, DType::f32, 3);
    for (const Tensor& x : {q, k, v}) autograd::set_requires_grad(x);
    const AttentionSpec spec = spec_of(Kind::performer, causal, 64);
    const Tensor y = answer(q, k, v, spec, {});
    autograd::backward(y, random_tensor(y.shape(), DType::f32, 4));
    for (const Tensor& x : {y, autograd::grad(q), autograd::grad(k), autograd::grad(v)})
      for (const double element : x.to_vector<double>()) ASSERT_TRUE(std::isfinite(element));
  }
}

TEST(Performer, WeightsOfLargeInputsSumToOne) {
  const Tensor q = random_tensor({1, 70, 2, 64}, DType::f32, 1, -20, 20);
  const Tensor k = random_tensor({1, 70, 2, 64}, DType::f32, 2, -20, 20);
  const Tensor ones = Tensor::full({1, 70, 2, 1}, 1);
  EXPECT_TRUE(test::close(answer(q, k, ones, spec_of(Kind::performer, false, 64), {}), ones, 1e-5, 0));
}

TEST(Nystrom, AsManyLandmarksAsTokensGiveSoftmaxAttention) {
  // With large weights on the diagonal A is far from singular, and six steps find its inverse.
  constexpr std::int64_t kLength = 24;
  const Tensor q = Tensor::zeros({1, kLength, 1, kLength}, DType::f64);
  const Tensor noise = random_tensor({1, kLength, 1, kLength}, DType::f64, 1);
  for (std::int64_t i = 0; i < kLength * kLength; ++i)
    q.data<double>()[i] = noise.data<double>()[i] + (i % (kLength + 1) == 0 ? 5 : 0);
  const Tensor v = random_tensor({1, kLength, 1, 8}, DType::f64, 2);
  for (const std::int64_t landmarks : {kLength, 4 * kLength})
    EXPECT_TRUE(test::close(answer(q, q, v, spec_of(Kind::nystrom, false, landmarks), {}),
                            softmax_attention(q, q, v, false), 1e-6, 1e-6));
}

TEST(LinearAttention, WeightsSumToOne) {
  const Tensor q = random_tensor({2, 9, 4, 8}, DType::f64, 1), k = random_tensor({2, 9, 2, 8}, DType::f64, 2);
  for (const Kind kind : {Kind::kernelised, Kind::performer})
    for (const bool causal : {false, true}) {
      const Tensor ones = Tensor::full({2, 9, 2, 1}, 1, DType::f64);
      const AttentionSpec spec = spec_of(kind, causal);
      for (const bool by_definition : {false, true})
        EXPECT_TRUE(test::close(answer(q, k, ones, spec, {}, by_definition),
                                Tensor::full({2, 9, 4, 1}, 1, DType::f64), 1e-12, 0));
    }
}

TEST(LinearAttention, WeightsAreTheAnswerForUnitValues) {
  const Tensor q = random_tensor({2, 9, 4, 8}, DType::f64, 1), k = random_tensor({2, 7, 2, 8}, DType::f64, 2),
               v = random_tensor({2, 7, 2, 5}, DType::f64, 3);
  for (const Kind kind : kLinearKinds) {
    const AttentionSpec spec = spec_of(kind);
    const Tensor weights = attention::weights(q, k, spec, run_of(spec));
    ASSERT_EQ(weights.shape(), (Shape{2, 4, 9, 7}));
    const Tensor read = op::matmul(weights, attention::by_head(v, 4));
    EXPECT_TRUE(test::close(op::permute(read, {0, 2, 1, 3}), answer(q, k, v, spec, run_of(spec)), 1e-9, 1e-9))
        << static_cast<int>(kind);
  }
}

// Row 0 has 9 keys, row 1 has 5, row 2 has none.
TEST(LinearAttention, PaddingChangesNothing) {
  const std::vector<std::int32_t> lengths = {9, 5, 0};
  for (const Kind kind : kLinearKinds)
    for (const bool causal : {false, true})
      for (const bool by_definition : {false, true}) {
        if (causal && !can_be_causal(kind)) continue;
        const AttentionSpec spec = spec_of(kind, causal, 4);
        attention::Run run = run_of(spec);
        const Tensor q = random_tensor({3, 9, 2, 8}, DType::f64, 1),
                     k = random_tensor({3, 9, 1, 8}, DType::f64, 2),
                     v = random_tensor({3, 9, 1, 6}, DType::f64, 3);
        // Padding holds what no sum survives.
        for (const Tensor& x : {k, v})
          for (std::int64_t row = 0; row < 3; ++row)
            for (std::int64_t j = lengths[static_cast<std::size_t>(row)]; j < 9; ++j)
              for (std::int64_t d = 0; d < x.dim(3); ++d)
                x.data<double>()[(row * 9 + j) * x.dim(3) + d] = std::numeric_limits<double>::quiet_NaN();
        for (const Tensor& x : {q, k, v}) autograd::set_requires_grad(x);
        run.key_lengths = Tensor::from(lengths, {3});
        const Tensor y = answer(q, k, v, spec, run, by_definition);
        autograd::backward(y, random_tensor(y.shape(), DType::f64, 4));
        for (const Tensor& x : {q, k, v})
          for (const double g : autograd::grad(x).to_vector<double>()) ASSERT_TRUE(std::isfinite(g));
        const auto row_of = [](const Tensor& x, std::int64_t row, std::int64_t length) {
          return op::slice(op::slice(x.detach(), 0, row, row + 1), 1, 0, length);
        };
        for (std::int64_t row = 0; row < 2; ++row) {
          const std::int64_t n = lengths[static_cast<std::size_t>(row)];
          const Tensor alone = answer(row_of(q, row, n), row_of(k, row, n), row_of(v, row, n), spec,
                                      run_of(spec), by_definition);
          EXPECT_TRUE(test::close(row_of(y, row, n), alone, 1e-12, 1e-12))
              << "method " << static_cast<int>(kind) << " row " << row;
        }
        EXPECT_TRUE(test::same_bits(row_of(y, 2, 9), Tensor::zeros({1, 9, 2, 6}, DType::f64)));
      }
}

TEST(LinearAttention, CausalAnswersDoNotSeeLaterKeys) {
  for (const Kind kind : {Kind::kernelised, Kind::performer}) {
    const AttentionSpec spec = spec_of(kind, true);
    const Tensor q = random_tensor({1, 100, 1, 8}, DType::f64, 1),
                 k = random_tensor({1, 100, 1, 8}, DType::f64, 2),
                 v = random_tensor({1, 100, 1, 8}, DType::f64, 3);
    const Tensor before = answer(q, k, v, spec, {});
    for (std::int64_t i = 70 * 8; i < 100 * 8; ++i) {
      k.data<double>()[i] *= 3;
      v.data<double>()[i] += 1;
    }
    const Tensor after = answer(q, k, v, spec, {});
    EXPECT_TRUE(test::close(op::slice(after, 1, 0, 70), op::slice(before, 1, 0, 70), 1e-12, 1e-12));
    EXPECT_FALSE(test::close(op::slice(after, 1, 70, 100), op::slice(before, 1, 70, 100), 1e-3, 1e-3));
  }
}

TEST(LinearAttention, FirstQueriesBeforeAllKeysGiveZeros) {
  const AttentionSpec spec = spec_of(Kind::kernelised, true);
  const Tensor q = random_tensor({1, 5, 1, 8}, DType::f64, 1), k = random_tensor({1, 3, 1, 8}, DType::f64, 2);
  const Tensor y = answer(q, k, k, spec, {});
  EXPECT_TRUE(test::same_bits(op::slice(y, 1, 0, 2), Tensor::zeros({1, 2, 1, 8}, DType::f64)));
  for (const Kind kind : kLinearKinds) {
    const Tensor none = Tensor::zeros({1, 0, 1, 8}, DType::f64);
    EXPECT_TRUE(test::same_bits(answer(q, none, none, spec_of(kind), run_of(spec_of(kind))),
                                Tensor::zeros({1, 5, 1, 8}, DType::f64)));
  }
}

TEST(LinearAttention, MemoryGrowsLinearlyWithTheLength) {
  const auto peak_of = [](const AttentionSpec& spec, std::int64_t length) {
    const attention::Run run = run_of(spec, DType::f32);
    release_cached_memory();
    const std::int64_t before = memory_use().current;
    reset_peak_memory();
    const Tensor q = random_tensor({1, length, 2, 16}, DType::f32, 1);
    autograd::set_requires_grad(q);
    const Tensor y = answer(q, q, q, spec, run);
    autograd::backward(y, Tensor::full(y.shape(), 1));
    return static_cast<double>(memory_use().peak - before);
  };
  for (const Kind kind : kLinearKinds)
    for (const bool causal : {false, true}) {
      if (causal && !can_be_causal(kind)) continue;
      const AttentionSpec spec = spec_of(kind, causal, 16);
      const double once = peak_of(spec, 1024), fourfold = peak_of(spec, 4096);
      EXPECT_LT(fourfold, 4.4 * once) << "method " << static_cast<int>(kind) << " causal " << causal;
      EXPECT_LT(fourfold, 4.0 * 2 * 4096 * 4096) << "one matrix of weights";
    }
}

TEST(LinearAttention, RefusesWhatTheMethodCannotDo) {
  const Tensor q = random_tensor({2, 5, 2, 8}, DType::f64, 1);
  const auto with = [&](Kind kind, const auto& change) {
    AttentionSpec spec = spec_of(kind);
    attention::Run run = run_of(spec);
    change(spec, run);
    attention::attend(q, q, q, spec, run);
  };
  using Run = attention::Run;
  for (const Kind kind : {Kind::linformer, Kind::nystrom})
    EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.place.mask = Place::Mask::causal; }),
                 "cannot be causal");
  for (const Kind kind : kLinearKinds) {
    EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.place.window = 3; }), "mask");
    EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.place.block = 3; }), "mask");
    EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.place.prefix = 3; }), "mask");
    EXPECT_ERROR(with(kind,
                      [](AttentionSpec&, Run& r) {
                        r.documents = Tensor::zeros({2, 5}, DType::i32);
                      }),
                 "mask");
    EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.place.positions = Place::Positions::alibi; }),
                 "positions");
    EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.score.kind = attention::Score::Kind::cosine; }),
                 "score");
    EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.score.soft_cap = 3; }), "score");
    EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.score.scale = -1; }), "scale");
    EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.weigh.kind = attention::Weigh::Kind::sparsemax; }),
                 "weights");
    EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.weigh.sink = true; }), "weights");
    EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.weigh.dropout = 0.1; }), "dropout 0.1");
    if (kind != Kind::kernelised) {
      EXPECT_ERROR(with(kind, [](AttentionSpec& s, Run&) { s.gather.features = 0; }), "features");
    }
    EXPECT_ERROR(with(kind, [](AttentionSpec&, Run& r) { r.key_lengths = Tensor::zeros({2}, DType::i64); }),
                 "key_lengths i64 [2]");
    EXPECT_ERROR(with(kind, [](AttentionSpec&, Run& r) { r.key_lengths = Tensor::zeros({3}, DType::i32); }),
                 "key_lengths i32 [3]");
    EXPECT_ERROR(with(kind, [](AttentionSpec&, Run& r) { r.key_lengths = Tensor::full({2}, 6, DType::i32); }),
                 "key length 6 of row 0");
  }
  EXPECT_ERROR(with(Kind::kernelised, [](AttentionSpec& s, Run&) { s.score.scale = 1; }), "no scale");
}

TEST(Linformer, NamesTheParameterThatDoesNotFit) {
  const Tensor q = random_tensor({2, 5, 2, 8}, DType::f64, 1);
  const AttentionSpec spec = spec_of(Kind::linformer, false, 4);
  const auto with = [&](const Tensor& key, const Tensor& value) {
    attention::Run run;
    run.parameters.key_projection = key;
    run.parameters.value_projection = value;
    answer(q, q, q, spec, run);
  };
  const Tensor good = Tensor::zeros({4, 5}, DType::f64);
  with(good, good);
  EXPECT_ERROR(with({}, good), "key_projection [4, keys] is missing");
  EXPECT_ERROR(with(good, {}), "value_projection [4, keys] is missing");
  EXPECT_ERROR(with(Tensor::zeros({3, 5}, DType::f64), good), "key_projection is f64 [3, 5]");
  EXPECT_ERROR(with(good, Tensor::zeros({4}, DType::f64)), "value_projection is f64 [4]");
  EXPECT_ERROR(with(good, Tensor::zeros({4, 5}, DType::i32)), "value_projection is i32 [4, 5]");
  EXPECT_ERROR(with(good, Tensor::zeros({4, 4}, DType::f64)), "at most 4");
}

}  // namespace
}  // namespace attend
