#include "attend/attention/score.h"

#include <gtest/gtest.h>

#include <cmath>

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
using attention::Score;
using autograd::Tensors;
using test::random_tensor;
using Kind = Score::Kind;

const std::vector<Kind> kKinds = {Kind::dot,    Kind::bilinear,  Kind::additive,
                                  Kind::cosine, Kind::euclidean, Kind::pearson};

constexpr std::int64_t kHeads = 2, kHidden = 3;

AttentionSpec spec_of(Kind kind, double cap = 0, double scale = 0) {
  AttentionSpec spec;
  spec.score = {.kind = kind, .scale = scale, .soft_cap = cap};
  return spec;
}

// What each kind learns, in the order in which settings_of() takes it.
Tensors learned_by(Kind kind, std::int64_t dim, std::int64_t key_dim) {
  switch (kind) {
    case Kind::bilinear:
      return {random_tensor({kHeads, dim, key_dim}, DType::f64, 21)};
    case Kind::additive:
      return {random_tensor({kHeads, kHidden, dim}, DType::f64, 22),
              random_tensor({kHeads, kHidden, key_dim}, DType::f64, 23),
              random_tensor({kHeads, kHidden}, DType::f64, 24)};
    case Kind::cosine:
      return {random_tensor({kHeads}, DType::f64, 25, 0.2, 0.9)};
    default:
      return {};
  }
}

Settings settings_of(Kind kind, const Tensors& x, std::size_t first) {
  Settings run;
  Parameters& p = run.parameters;
  if (kind == Kind::bilinear) p.bilinear = x[first];
  if (kind == Kind::additive) p.query_weight = x[first], p.key_weight = x[first + 1], p.vector = x[first + 2];
  if (kind == Kind::cosine) p.temperature = x[first];
  return run;
}

using Vector = std::vector<double>;

double dot_of(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

Vector centred(Vector x) {
  double mean = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (double& v : x) v -= mean;
  return x;
}

double at(const Tensor& t, std::int64_t a, std::int64_t b, std::int64_t c = 0) {
  const std::int64_t columns = t.rank() == 3 ? t.dim(2) : 1;
  return t.data<double>()[(a * t.dim(1) + b) * columns + c];
}

// The formulas of score.h, for one query and one key of a head.
double score_of(Kind kind, const Vector& q, const Vector& k, std::int64_t head, const Parameters& p) {
  const double d = static_cast<double>(q.size());
  switch (kind) {
    case Kind::dot:
      return dot_of(q, k) / std::sqrt(d);
    case Kind::bilinear: {
      double sum = 0;
      for (std::size_t i = 0; i < q.size(); ++i)
        for (std::size_t j = 0; j < k.size(); ++j)
          sum +=
              q[i] * at(p.bilinear, head, static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)) * k[j];
      return sum / std::sqrt(d);
    }
    case Kind::additive: {
      double sum = 0;
      for (std::int64_t n = 0; n < kHidden; ++n) {
        double unit = 0;
        for (std::size_t i = 0; i < q.size(); ++i)
          unit += at(p.query_weight, head, n, static_cast<std::int64_t>(i)) * q[i];
        for (std::size_t i = 0; i < k.size(); ++i)
          unit += at(p.key_weight, head, n, static_cast<std::int64_t>(i)) * k[i];
        sum += at(p.vector, head, n) * std::tanh(unit);
      }
      return sum;
    }
    case Kind::cosine:
      return dot_of(q, k) / std::sqrt(dot_of(q, q) * dot_of(k, k)) / p.temperature.data<double>()[head];
    case Kind::euclidean: {
      double sum = 0;
      for (std::size_t i = 0; i < q.size(); ++i) sum += (q[i] - k[i]) * (q[i] - k[i]);
      return -sum / std::sqrt(d);
    }
    case Kind::pearson: {
      const Vector a = centred(q), b = centred(k);
      return dot_of(a, b) / std::sqrt(dot_of(a, a) * dot_of(b, b)) * std::sqrt(d);
    }
  }
  return 0;
}

Vector row_of(const Tensor& x, std::int64_t row) {
  const double* first = x.data<double>() + row * x.dim(3);
  return {first, first + x.dim(3)};
}

bool joins_dims(Kind kind) {
  return kind == Kind::bilinear || kind == Kind::additive;
}

TEST(Score, FollowsItsFormula) {
  for (const Kind kind : kKinds)
    for (const double cap : {0.0, 1.5}) {
      const std::int64_t queries = 3, keys = 5, dim = 7, key_dim = joins_dims(kind) ? 4 : dim;
      const Tensor q = random_tensor({2, kHeads, queries, dim}, DType::f64, 1, -2, 2);
      const Tensor k = random_tensor({2, kHeads, keys, key_dim}, DType::f64, 2, -2, 2);
      const Settings run = settings_of(kind, learned_by(kind, dim, key_dim), 0);
      Tensor expected = Tensor::zeros({2, kHeads, queries, keys}, DType::f64);
      double* out = expected.data<double>();
      for (std::int64_t row = 0; row < 2 * kHeads; ++row)
        for (std::int64_t i = 0; i < queries; ++i)
          for (std::int64_t j = 0; j < keys; ++j) {
            const double s = score_of(kind, row_of(q, row * queries + i), row_of(k, row * keys + j),
                                      row % kHeads, run.parameters);
            *out++ = cap > 0 ? cap * std::tanh(s / cap) : s;
          }
      EXPECT_TRUE(test::close(attention::scores_of(q, k, spec_of(kind, cap), run), expected, 1e-10, 1e-10))
          << "kind " << static_cast<int>(kind) << " cap " << cap;
    }
}

TEST(Score, ScaleOfTheSpecReplacesTheDefault) {
  const Tensor q = random_tensor({1, kHeads, 3, 4}, DType::f64, 1),
               k = random_tensor({1, kHeads, 5, 4}, DType::f64, 2);
  for (const auto& [kind, factor] :
       {std::pair{Kind::dot, 6.0}, {Kind::bilinear, 6.0}, {Kind::euclidean, 6.0}, {Kind::pearson, 1.5}}) {
    const Settings run = settings_of(kind, learned_by(kind, 4, 4), 0);
    const Tensor usual = attention::scores_of(q, k, spec_of(kind), run);
    Tensor expected = usual.clone();
    for (std::int64_t i = 0; i < expected.elements(); ++i) expected.data<double>()[i] *= factor;
    EXPECT_TRUE(test::close(attention::scores_of(q, k, spec_of(kind, 0, 3), run), expected, 1e-12, 1e-12))
        << static_cast<int>(kind);
  }
}

// Query, key and value of grouped heads, and what the kind learns.
Tensors inputs_of(Kind kind) {
  const std::int64_t dim = 4, key_dim = joins_dims(kind) ? 3 : dim;
  const std::int64_t key_heads = 1;
  Tensors inputs = {random_tensor({2, 3, kHeads, dim}, DType::f64, 1),
                    random_tensor({2, 5, key_heads, key_dim}, DType::f64, 2),
                    random_tensor({2, 5, key_heads, 2}, DType::f64, 3)};
  for (const Tensor& x : learned_by(kind, dim, key_dim)) inputs.push_back(x);
  return inputs;
}

TEST(Score, GradientsMatchFiniteDifferences) {
  for (const Kind kind : kKinds)
    for (const double cap : {0.0, 0.7}) {
      AttentionSpec spec = spec_of(kind, cap);
      spec.place.mask = Place::Mask::causal;
      EXPECT_TRUE(test::gradients_match(
          [&](const Tensors& x) {
            return Tensors{attention::attend_composite(x[0], x[1], x[2], spec, settings_of(kind, x, 3))};
          },
          inputs_of(kind)))
          << "kind " << static_cast<int>(kind) << " cap " << cap;
    }
}

TEST(Score, SingleAndHalfPrecisionFollowDouble) {
  for (const Kind kind : kKinds)
    EXPECT_TRUE(test::follows_double_precision(
        [&](const Tensors& x) {
          return Tensors{
              attention::attend_composite(x[0], x[1], x[2], spec_of(kind, 2), settings_of(kind, x, 3))};
        },
        inputs_of(kind)))
        << "kind " << static_cast<int>(kind);
}

// Where no direction is, the score is 0 and not NaN.
TEST(Score, ZeroVectorsHaveFiniteScoresAndGradients) {
  for (const Kind kind : {Kind::cosine, Kind::pearson})
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
      const Tensor q = Tensor::zeros({1, 2, kHeads, 4}, dtype), k = Tensor::full({1, 3, kHeads, 4}, 0, dtype);
      autograd::set_requires_grad(q);
      const Tensor y =
          attention::attend_composite(q, k, random_tensor({1, 3, kHeads, 2}, dtype, 1), spec_of(kind),
                                      settings_of(kind, learned_by(kind, 4, 4), 0));
      autograd::backward(y, random_tensor(y.shape(), dtype, 2));
      const Tensor gradient = autograd::grad(q);
      for (const Tensor& t : {y, gradient})
        for (const double v : t.to_vector<double>()) EXPECT_TRUE(std::isfinite(v)) << name_of(dtype);
    }
}

TEST(Score, TemperatureOfCosineStaysAboveOneHundredth) {
  const Tensor q = random_tensor({1, kHeads, 3, 4}, DType::f64, 1),
               k = random_tensor({1, kHeads, 5, 4}, DType::f64, 2);
  Settings low, least;
  low.parameters.temperature = Tensor::full({kHeads}, -3, DType::f64);
  least.parameters.temperature = Tensor::full({kHeads}, 0.01, DType::f64);
  const Tensor scores = attention::scores_of(q, k, spec_of(Kind::cosine), least);
  EXPECT_TRUE(test::same_bits(attention::scores_of(q, k, spec_of(Kind::cosine), low), scores));
  const Vector a = row_of(q, 0), b = row_of(k, 0);
  EXPECT_NEAR(scores.data<double>()[0], dot_of(a, b) / std::sqrt(dot_of(a, a) * dot_of(b, b)) / 0.01, 1e-8);
}

TEST(Score, SaysWhatIsWrong) {
  const Tensor q = random_tensor({1, 3, kHeads, 4}, DType::f32, 1),
               k = random_tensor({1, 5, kHeads, 4}, DType::f32, 2);
  const auto call = [&](const AttentionSpec& spec, const Settings& run) {
    attention::attend_composite(q, k, k, spec, run);
  };
  EXPECT_ERROR(call(spec_of(Kind::bilinear), {}), "parameter bilinear [2, 4, 4] is missing");
  EXPECT_ERROR(call(spec_of(Kind::cosine), {}), "parameter temperature [2] is missing");
  EXPECT_ERROR(call(spec_of(Kind::additive), {}), "parameter vector [heads, hidden] is missing");
  Settings wrong;
  wrong.parameters.bilinear = Tensor::zeros({2, 4, 3});
  EXPECT_ERROR(call(spec_of(Kind::bilinear), wrong), "bilinear is f32 [2, 4, 3], f32 [2, 4, 4] needed");
  wrong.parameters.vector = Tensor::zeros({2});
  EXPECT_ERROR(call(spec_of(Kind::additive), wrong), "vector is f32 [2], [2, hidden] needed");
  wrong.parameters.vector = Tensor::zeros({2, 3});
  wrong.parameters.query_weight = Tensor::zeros({2, 3, 4});
  EXPECT_ERROR(call(spec_of(Kind::additive), wrong), "key_weight");
  const Tensor narrow = random_tensor({1, 5, kHeads, 3}, DType::f32, 3);
  EXPECT_ERROR(attention::attend_composite(q, narrow, narrow, {}), "differ in d");
}

// PyTorch's answers, of tests/golden/make_attention_scores.py. Lengths have 1e-12 under their root here and
// not there, and a temperature of 0.01 makes scores, with their rounding, a hundred times larger. To bf16
// both the scores and the weights are rounded.
void expect_golden(const std::string& name, const AttentionSpec& spec,
                   const std::function<Settings(const Tensors&)>& settings) {
  for (const auto& [dtype, tolerance] :
       {std::pair{DType::f64, 1e-11}, {DType::f32, 1e-4}, {DType::bf16, 5e-2}})
    EXPECT_TRUE(test::golden_matches("attention_scores.safetensors", name,
                                     [&](const Tensors& x) {
                                       return Tensors{
                                           attention::attend_composite(x[0], x[1], x[2], spec, settings(x))};
                                     },
                                     {.dtype = dtype, .relative = tolerance, .absolute = tolerance}));
}

TEST(Score, EqualsPyTorch) {
  const auto nothing = [](const Tensors&) { return Settings{}; };
  const auto learned = [](Kind kind) { return [kind](const Tensors& x) { return settings_of(kind, x, 3); }; };
  AttentionSpec causal, window;
  causal.place.mask = Place::Mask::causal;
  window.place.window = 3;
  expect_golden("scaled_dot", {}, nothing);
  expect_golden("causal", causal, nothing);
  expect_golden("grouped", causal, nothing);
  expect_golden("window", window, nothing);
  expect_golden("soft_cap", spec_of(Kind::dot, 2), nothing);
  expect_golden("general", spec_of(Kind::bilinear, 0, 1), learned(Kind::bilinear));
  expect_golden("additive", spec_of(Kind::additive), learned(Kind::additive));
  expect_golden("cosine", spec_of(Kind::cosine), learned(Kind::cosine));
  expect_golden("euclidean", spec_of(Kind::euclidean), nothing);
  expect_golden("pearson", spec_of(Kind::pearson), nothing);
}

}  // namespace
}  // namespace attend
