#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "attend/attention/attend.h"
#include "attention/steps.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using Settings = attention::Run;
using attention::Parameters;
using attention::Place;
using autograd::Tensors;
using test::random_tensor;
using Positions = Place::Positions;

constexpr std::int64_t kHeads = 2, kDim = 4, kValueDim = 3, kClip = 2, kGridRows = 2, kGridColumns = 3;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

const std::vector<Positions> kPositions = {Positions::alibi, Positions::alibi_learned,  Positions::buckets,
                                           Positions::shaw,  Positions::transformer_xl, Positions::span,
                                           Positions::grid};

AttentionSpec spec_of(Positions positions, bool causal) {
  AttentionSpec spec;
  spec.place = {.mask = causal ? Place::Mask::causal : Place::Mask::none,
                .positions = positions,
                .bucket_count = 8,
                .bucket_distance = 12,
                .clip = kClip,
                .span_ramp = 3,
                .span_limit = 8,
                .grid_rows = kGridRows,
                .grid_columns = kGridColumns};
  return spec;
}

Tensors learned_by(Positions positions) {
  switch (positions) {
    case Positions::alibi_learned:
      return {random_tensor({kHeads}, DType::f64, 31, 0.1, 0.9)};
    case Positions::buckets:
      return {random_tensor({kHeads, 8}, DType::f64, 32)};
    case Positions::shaw:
      return {random_tensor({2 * kClip + 1, kDim}, DType::f64, 33),
              random_tensor({2 * kClip + 1, kValueDim}, DType::f64, 34)};
    case Positions::transformer_xl:
      return {random_tensor({kHeads, kDim}, DType::f64, 35), random_tensor({kHeads, kDim}, DType::f64, 36),
              random_tensor({kHeads, kDim, kHeads * kDim}, DType::f64, 37)};
    case Positions::span:
      return {Tensor::from(std::vector<double>{0.14, 0.33}, {kHeads})};
    case Positions::grid:
      return {random_tensor({kHeads, 2 * kGridRows - 1, 2 * kGridColumns - 1}, DType::f64, 38)};
    default:
      return {};
  }
}

Settings settings_of(Positions positions, const Tensors& x, std::size_t first) {
  Settings run;
  Parameters& p = run.parameters;
  if (positions == Positions::alibi_learned) p.slopes = x[first];
  if (positions == Positions::buckets) p.bucket_bias = x[first];
  if (positions == Positions::shaw) p.relative_keys = x[first], p.relative_values = x[first + 1];
  if (positions == Positions::transformer_xl)
    p.content_bias = x[first], p.position_bias = x[first + 1], p.relative_projection = x[first + 2];
  if (positions == Positions::span) p.span = x[first];
  if (positions == Positions::grid) p.grid_bias = x[first];
  return run;
}

// Of the paper's code for 8 buckets and the last distance 12, by hand: one side has exact buckets 0 to 3 and
// edges at 4 * 3^(n / 4), both sides 0 and 1 with edges at 2 * 6^(n / 2).
std::int64_t bucket_of(std::int64_t offset, bool causal) {
  const auto first_at_least = [](std::int64_t x, const std::vector<double>& edges) {
    std::int64_t bucket = -1;
    for (const double edge : edges) bucket += static_cast<double>(x) >= edge ? 1 : 0;
    return bucket;
  };
  if (causal) return first_at_least(std::max<std::int64_t>(-offset, 0), {0, 1, 2, 3, 4, 5.27, 6.93, 9.12});
  return (offset > 0 ? 4 : 0) + first_at_least(std::abs(offset), {0, 1, 2, 4.9});
}

double sinusoid(std::int64_t distance, std::int64_t c) {
  const std::int64_t width = kHeads * kDim, half = width / 2;
  const double angle = static_cast<double>(distance) *
                       std::pow(10000, -2.0 * static_cast<double>(c % half) / static_cast<double>(width));
  return c < half ? std::sin(angle) : std::cos(angle);
}

// What place.h says is added to the score of a query at `place` and a key.
double added(Positions positions, bool causal, const double* q, const double* k, std::int64_t head,
             std::int64_t place, std::int64_t key, const Parameters& p) {
  const std::int64_t offset = key - place;
  const double distance = static_cast<double>(std::abs(offset)), scale = 1 / std::sqrt(1.0 * kDim);
  switch (positions) {
    case Positions::alibi:
      return -distance * std::pow(2, -8.0 * static_cast<double>(head + 1) / kHeads);
    case Positions::alibi_learned:
      return -distance * p.slopes.data<double>()[head];
    case Positions::buckets:
      return p.bucket_bias.data<double>()[head * 8 + bucket_of(offset, causal)];
    case Positions::shaw: {
      const double* a = p.relative_keys.data<double>() + (std::clamp(offset, -kClip, kClip) + kClip) * kDim;
      double sum = 0;
      for (std::int64_t c = 0; c < kDim; ++c) sum += q[c] * a[c];
      return scale * sum;
    }
    case Positions::transformer_xl: {
      double sum = 0;
      for (std::int64_t c = 0; c < kDim; ++c) {
        double r = 0;
        for (std::int64_t w = 0; w < kHeads * kDim; ++w)
          r += p.relative_projection.data<double>()[(head * kDim + c) * kHeads * kDim + w] *
               sinusoid(-offset, w);
        sum += p.content_bias.data<double>()[head * kDim + c] * k[c] +
               (q[c] + p.position_bias.data<double>()[head * kDim + c]) * r;
      }
      return scale * sum;
    }
    case Positions::span: {
      const double mask = std::min(1.0, (3 + 8 * p.span.data<double>()[head] - distance) / 3);
      return mask > 0 ? std::log(mask) : -kInfinity;
    }
    case Positions::grid: {
      // Far enough to the front that no place is negative.
      const std::int64_t from = place + 10 * kGridColumns, to = key + 10 * kGridColumns;
      const std::int64_t down = std::clamp(to / kGridColumns - from / kGridColumns, -1L, 1L),
                         across = to % kGridColumns - from % kGridColumns;
      return p.grid_bias.data<double>()[(head * 3 + down + 1) * 5 + across + 2];
    }
    default:
      return 0;
  }
}

// The whole definition in plain loops, one head of keys for each head of queries.
Tensor by_loops(const Tensors& x, Positions positions, bool causal, const Parameters& p) {
  const Tensor &q = x[0], &k = x[1], &v = x[2];
  const std::int64_t batch = q.dim(0), queries = q.dim(1), keys = k.dim(1);
  const Tensor out = Tensor::zeros({batch, queries, kHeads, kValueDim}, DType::f64);
  const auto row = [](const Tensor& t, std::int64_t b, std::int64_t i, std::int64_t h) {
    return t.data<double>() + ((b * t.dim(1) + i) * t.dim(2) + h) * t.dim(3);
  };
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t h = 0; h < kHeads; ++h)
      for (std::int64_t i = 0; i < queries; ++i) {
        const std::int64_t place = i + keys - queries;
        std::vector<double> w;
        double total = 0;
        for (std::int64_t j = 0; j < keys; ++j) {
          double score = 0;
          for (std::int64_t c = 0; c < kDim; ++c) score += row(q, b, i, h)[c] * row(k, b, j, h)[c];
          score = score / std::sqrt(1.0 * kDim) +
                  added(positions, causal, row(q, b, i, h), row(k, b, j, h), h, place, j, p);
          w.push_back(causal && j > place ? 0 : std::exp(score));
          total += w.back();
        }
        for (std::int64_t j = 0; total > 0 && j < keys; ++j)
          for (std::int64_t c = 0; c < kValueDim; ++c) {
            double value = row(v, b, j, h)[c];
            if (positions == Positions::shaw)
              value += p.relative_values
                           .data<double>()[(std::clamp(j - place, -kClip, kClip) + kClip) * kValueDim + c];
            row(out, b, i, h)[c] += w[static_cast<std::size_t>(j)] / total * value;
          }
      }
  return out;
}

Tensors inputs_of(Positions positions, std::int64_t queries, std::int64_t keys) {
  Tensors inputs = {random_tensor({2, queries, kHeads, kDim}, DType::f64, 1),
                    random_tensor({2, keys, kHeads, kDim}, DType::f64, 2),
                    random_tensor({2, keys, kHeads, kValueDim}, DType::f64, 3)};
  for (const Tensor& x : learned_by(positions)) inputs.push_back(x);
  return inputs;
}

test::Function composite(Positions positions, bool causal) {
  return [=](const Tensors& x) {
    return Tensors{attention::attend_composite(x[0], x[1], x[2], spec_of(positions, causal),
                                               settings_of(positions, x, 3))};
  };
}

TEST(Positions, FollowTheirFormulas) {
  for (const Positions positions : kPositions)
    for (const bool causal : {false, true})
      for (const auto& [queries, keys] : {std::pair{1, 1}, {1, 19}, {19, 19}, {7, 16}, {16, 7}}) {
        const Tensors x = inputs_of(positions, queries, keys);
        const Settings run = settings_of(positions, x, 3);
        EXPECT_TRUE(test::close(composite(positions, causal)(x)[0],
                                by_loops(x, positions, causal, run.parameters), 1e-12, 1e-12))
            << "positions " << static_cast<int>(positions) << " causal " << causal << " queries " << queries
            << " keys " << keys;
      }
}

// 5 queries over 9 keys, and the other way round: then the first causal queries see nothing.
TEST(Positions, GradientsMatchFiniteDifferences) {
  for (const Positions positions : kPositions)
    for (const bool causal : {false, true})
      for (const auto& [queries, keys] : {std::pair{4, 7}, {6, 4}})
        EXPECT_TRUE(test::gradients_match(composite(positions, causal), inputs_of(positions, queries, keys)))
            << "positions " << static_cast<int>(positions) << " causal " << causal << " queries " << queries;
}

TEST(Positions, SingleAndHalfPrecisionFollowDouble) {
  for (const Positions positions : kPositions)
    EXPECT_TRUE(test::follows_double_precision(composite(positions, true), inputs_of(positions, 5, 9)))
        << "positions " << static_cast<int>(positions);
}

TEST(Positions, DistanceBiasHoldsWhatIsSpreadOverTheScores) {
  for (const Positions positions : kPositions) {
    const Tensors x = inputs_of(positions, 4, 6);
    const Settings run = settings_of(positions, x, 3);
    const AttentionSpec spec = spec_of(positions, false);
    const Tensor bias = attention::distance_bias(spec, run, kHeads, 4, 6, DType::f64);
    const bool by_distance_alone = positions != Positions::shaw && positions != Positions::transformer_xl &&
                                   positions != Positions::grid;
    ASSERT_EQ(bias.defined(), by_distance_alone);
    if (!by_distance_alone) continue;
    ASSERT_EQ(bias.shape(), (Shape{kHeads, 9}));
    const Tensor spread = attention::position_scores(attention::by_head(x[0], kHeads),
                                                     attention::by_head(x[1], kHeads), spec, run);
    for (std::int64_t h = 0; h < kHeads; ++h)
      for (std::int64_t i = 0; i < 4; ++i)
        for (std::int64_t j = 0; j < 6; ++j)
          EXPECT_EQ(spread.data<double>()[(h * 4 + i) * 6 + j], bias.data<double>()[h * 9 + j - i + 3]);
  }
}

TEST(Positions, SpanForbidsWhatItDoesNotReachAndStaysFinite) {
  const AttentionSpec spec = spec_of(Positions::span, true);
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    Settings run;
    // Below 0, at the end, and at 16 / 64: keys at distance 5 = ramp + span have weight 0 exactly.
    run.parameters.span = Tensor::from(std::vector<float>{-5, 7, 0.25F}, {3});
    autograd::set_requires_grad(run.parameters.span);
    const Tensor q = random_tensor({1, 20, 3, 4}, dtype, 1), k = random_tensor({1, 20, 3, 4}, dtype, 2);
    const Tensor y = attention::attend_composite(q, k, k, spec, run);
    autograd::backward(y, random_tensor(y.shape(), dtype, 5));
    for (const Tensor& t : {y, autograd::grad(run.parameters.span)})
      for (const double value : t.to_vector<double>()) EXPECT_TRUE(std::isfinite(value));
    // From outside [0, 1] too there is a way back.
    for (const double value : autograd::grad(run.parameters.span).to_vector<double>()) EXPECT_NE(value, 0);
    const std::vector<double> w = attention::weights(q, k, spec, run).to_vector<double>();
    const std::int64_t reach[] = {3, 11, 5};
    for (std::int64_t h = 0; h < 3; ++h)
      for (std::int64_t i = 0; i < 20; ++i) {
        double total = 0;
        for (std::int64_t j = 0; j < 20; ++j) {
          const double weight = w[static_cast<std::size_t>((h * 20 + i) * 20 + j)];
          total += weight;
          EXPECT_EQ(weight == 0, j > i || i - j >= reach[h]) << "head " << h << " " << i << " " << j;
        }
        EXPECT_NEAR(total, 1, 1e-5);
      }
  }
}

// Buckets 4 to 7 begin at 4, 40, 400 and 4000; in doubles log(1000) / log(10000) * 4 is below 3.
TEST(Positions, DistancesAtTheEdgeOfABucketAreInIt) {
  AttentionSpec spec = spec_of(Positions::buckets, true);
  spec.place.bucket_distance = 40000;
  Settings run;
  run.parameters.bucket_bias = Tensor::from(std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7}, {1, 8});
  const Tensor bias = attention::distance_bias(spec, run, 1, 1, 4001, DType::f64);
  for (const auto& [distance, bucket] :
       {std::pair{4, 4}, {39, 4}, {40, 5}, {399, 5}, {400, 6}, {3999, 6}, {4000, 7}})
    EXPECT_EQ(bias.data<double>()[4000 - distance], bucket) << distance;
}

TEST(Positions, TakeNoQueriesAndNoKeys) {
  for (const Positions positions : kPositions)
    for (const auto& [queries, keys] : {std::pair{0, 3}, {3, 0}, {0, 0}}) {
      const Tensors x = inputs_of(positions, queries, keys);
      const Tensor y = composite(positions, true)(x)[0];
      EXPECT_EQ(y.shape(), (Shape{2, queries, kHeads, kValueDim})) << static_cast<int>(positions);
      for (const double value : y.to_vector<double>()) EXPECT_EQ(value, 0);
    }
}

TEST(Positions, SpanPenaltyIsTheMeanSpan) {
  const Place place = {.span_limit = 100};
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& x) { return Tensors{attention::span_penalty(x[0], place, 0.5)}; },
      {Tensor::from(std::vector<double>{0.25, 0.5}, {2})}));
  const Tensor span = Tensor::from(std::vector<double>{0.25, 0.5, 2, -1}, {4});
  EXPECT_NEAR(attention::span_penalty(span, place, 0.5).item(), 0.5 * 100 * 1.75 / 4, 1e-12);
  EXPECT_ERROR(attention::span_penalty({}, place, 1), "span_penalty of span undefined");
}

TEST(Positions, SayWhatIsWrong) {
  const Tensors x = inputs_of(Positions::none, 3, 5);
  const auto call = [&](const AttentionSpec& spec, const Settings& run = {}) {
    attention::attend_composite(x[0], x[1], x[2], spec, run);
  };
  EXPECT_ERROR(call(spec_of(Positions::alibi_learned, true)), "parameter slopes [2] is missing");
  EXPECT_ERROR(call(spec_of(Positions::buckets, true)), "parameter bucket_bias [2, 8] is missing");
  EXPECT_ERROR(call(spec_of(Positions::span, true)), "parameter span [2] is missing");
  EXPECT_ERROR(call(spec_of(Positions::shaw, true)), "parameter relative_keys [5, 4] is missing");
  EXPECT_ERROR(call(spec_of(Positions::transformer_xl, true)), "parameter content_bias [2, 4] is missing");
  Settings keys_alone;
  keys_alone.parameters.relative_keys = Tensor::zeros({5, 4});
  EXPECT_ERROR(call(spec_of(Positions::shaw, true), keys_alone),
               "parameter relative_values [5, 3] is missing");
  AttentionSpec spec = spec_of(Positions::buckets, false);
  spec.place.bucket_count = 7;
  EXPECT_ERROR(call(spec), "bucket_count 7 given");
  spec.place.bucket_count = 8, spec.place.bucket_distance = 2;
  EXPECT_ERROR(call(spec), "bucket_distance 2 given, 3 to ");
  spec = spec_of(Positions::shaw, false);
  spec.place.clip = 0;
  EXPECT_ERROR(call(spec), "clip 0");
  spec = spec_of(Positions::span, false);
  spec.place.span_ramp = 0;
  EXPECT_ERROR(call(spec), "span_ramp 0");
}

TEST(Positions, EqualPyTorch) {
  const auto check = [](const std::string& name, Positions positions, bool causal, double scale) {
    AttentionSpec spec = spec_of(positions, causal);
    spec.score.scale = scale;
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
      EXPECT_TRUE(test::golden_matches("attention_scores.safetensors", name,
                                       [&](const Tensors& x) {
                                         return Tensors{attention::attend_composite(
                                             x[0], x[1], x[2], spec, settings_of(positions, x, 3))};
                                       },
                                       {.dtype = dtype,
                                        .relative = dtype == DType::bf16 ? 5e-2 : -1,
                                        .absolute = dtype == DType::bf16 ? 5e-2 : -1}));
  };
  check("alibi", Positions::alibi, true, 0);
  check("buckets", Positions::buckets, false, 1);
  check("buckets_causal", Positions::buckets, true, 1);
  check("shaw", Positions::shaw, false, 0);
  check("transformer_xl", Positions::transformer_xl, true, 0);
  check("span", Positions::span, true, 0);
}

}  // namespace
}  // namespace attend
