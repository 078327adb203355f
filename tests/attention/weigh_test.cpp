#include "attend/attention/weigh.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "attend/attention/attend.h"
#include "attend/autograd/tape.h"
#include "attend/op/softmax.h"
#include "attend/op/sparsemax.h"
#include "attention/choice.h"
#include "attention/steps.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using Settings = attention::Run;
using attention::Weigh;
using attention::weighed;
using autograd::Tensors;
using test::random_tensor;
using Kind = Weigh::Kind;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const std::vector<Kind> kKinds = {Kind::softmax, Kind::sigmoid, Kind::sparsemax, Kind::entmax15,
                                  Kind::top_k,   Kind::hard,    Kind::gumbel,    Kind::reinforce};

AttentionSpec spec_of(const Weigh& weigh) {
  AttentionSpec spec;
  spec.weigh = weigh;
  return spec;
}

// Scores [2, 3, queries, keys] with causal-like holes; the first row of the second batch row sees nothing.
Tensor masked_scores(std::int64_t queries, std::int64_t keys, std::uint64_t seed) {
  const Tensor scores = random_tensor({2, 3, queries, keys}, DType::f64, seed, -3, 3);
  double* s = scores.data<double>();
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t h = 0; h < 3; ++h)
      for (std::int64_t q = 0; q < queries; ++q)
        for (std::int64_t k = 0; k < keys; ++k, ++s)
          if ((b == 1 && q == 0) || (q + 2 * k) % 5 == 1) *s = -kInfinity;
  return scores;
}

using Row = std::vector<double>;

// Calls change(row of scores, its number) for each row, and gives what it returns.
template <class Change>
Tensor by_row(const Tensor& scores, const Change& change) {
  const Tensor out = Tensor::empty(scores.shape(), DType::f64);
  const std::int64_t keys = scores.dim(3);
  for (std::int64_t row = 0; row < scores.elements() / keys; ++row) {
    const double* s = scores.data<double>() + row * keys;
    const Row result = change(Row(s, s + keys), row);
    std::copy(result.begin(), result.end(), out.data<double>() + row * keys);
  }
  return out;
}

Row softmax_row(const Row& s, double extra = 0) {
  double sum = extra;
  Row w;
  for (double x : s) sum += std::exp(x);
  for (double x : s) w.push_back(sum == 0 ? 0 : std::exp(x) / sum);
  return w;
}

Row best_row(const Row& s) {
  Row w(s.size(), 0);
  const auto best = std::max_element(s.begin(), s.end());
  if (*best > -kInfinity) w[static_cast<std::size_t>(best - s.begin())] = 1;
  return w;
}

TEST(Weigh, EachKindIsItsDefinition) {
  const Tensor scores = masked_scores(7, 13, 1);
  const double t = 0.7;
  const auto divided = [&](Row s) {
    for (double& x : s) x /= t;
    return s;
  };
  const auto expect = [&](const Weigh& weigh, const Settings& run, const auto& row) {
    const Tensor expected = by_row(scores, row);
    EXPECT_TRUE(test::close(weighed(scores, spec_of(weigh), run), expected, 1e-13, 1e-14))
        << static_cast<int>(weigh.kind);
  };
  expect({.kind = Kind::softmax}, {}, [](const Row& s, std::int64_t) { return softmax_row(s); });
  expect({.kind = Kind::softmax, .temperature = t}, {},
         [&](const Row& s, std::int64_t) { return softmax_row(divided(s)); });
  Settings with_sink;
  with_sink.parameters.sink_logits = Tensor::from(Row{-1, 0, 2}, {3});
  expect({.kind = Kind::softmax, .temperature = t, .sink = true}, with_sink,
         [&](const Row& s, std::int64_t row) {
           return softmax_row(divided(s), std::exp(Row{-1, 0, 2}[static_cast<std::size_t>(row / 7 % 3)]));
         });
  expect({.kind = Kind::sigmoid, .temperature = t, .sigmoid_bias = -0.4}, {}, [&](Row s, std::int64_t) {
    for (double& x : s) x = 1 / (1 + std::exp(-(x / t - 0.4)));
    return s;
  });
  expect({.kind = Kind::top_k, .temperature = t, .count = 3}, {}, [&](const Row& s, std::int64_t) {
    Row sorted = divided(s), kept = sorted;
    std::sort(sorted.rbegin(), sorted.rend());
    for (double& x : kept)
      if (x < sorted[2]) x = -kInfinity;
    return softmax_row(kept);
  });
  for (const Kind kind : {Kind::hard, Kind::gumbel, Kind::reinforce})
    expect({.kind = kind}, {}, [](const Row& s, std::int64_t) { return best_row(s); });
  expect({.kind = Kind::gumbel, .straight_through = true}, {},
         [](const Row& s, std::int64_t) { return best_row(s); });
  const Settings training = {.training = true, .random = {5, 6}};
  const auto noise = attention::gumbel_noise(scores.shape(), DType::f64, training.random).to_vector<double>();
  const auto noisy = [&](Row s, std::int64_t row, double temperature) {
    for (std::size_t k = 0; k < s.size(); ++k)
      s[k] = (s[k] + noise[static_cast<std::size_t>(row) * 13 + k]) / temperature;
    return s;
  };
  expect({.kind = Kind::gumbel, .temperature = t}, training,
         [&](const Row& s, std::int64_t row) { return softmax_row(noisy(s, row, t)); });
  expect({.kind = Kind::gumbel, .temperature = t, .straight_through = true}, training,
         [&](const Row& s, std::int64_t row) { return best_row(noisy(s, row, t)); });
  expect({.kind = Kind::reinforce, .temperature = t}, training,
         [&](const Row& s, std::int64_t row) { return best_row(noisy(divided(s), row, 1)); });
}

TEST(Weigh, SparsemaxAndEntmaxAreTheOperationsOfTheSameName) {
  // tests/op/sparsemax_test.cpp holds them against their definitions.
  const Tensor scores = masked_scores(5, 9, 2), half = scores.clone();
  for (std::int64_t i = 0; i < half.elements(); ++i) half.data<double>()[i] /= 2;
  EXPECT_TRUE(test::same_bits(weighed(scores, spec_of({.kind = Kind::sparsemax, .temperature = 2}), {}),
                              op::sparsemax(half)));
  EXPECT_TRUE(test::same_bits(weighed(scores, spec_of({.kind = Kind::entmax15, .temperature = 2}), {}),
                              op::entmax15(half)));
}

TEST(Weigh, GradientsAreDerivatives) {
  const Settings training = {.training = true, .random = {7, 8}};
  for (const Weigh& weigh :
       {Weigh{.kind = Kind::softmax}, Weigh{.kind = Kind::softmax, .temperature = 0.6},
        Weigh{.kind = Kind::softmax, .temperature = 0.6, .sink = true},
        Weigh{.kind = Kind::sigmoid, .sigmoid_bias = -1}, Weigh{.kind = Kind::sparsemax, .temperature = 3},
        Weigh{.kind = Kind::entmax15, .temperature = 1.5}, Weigh{.kind = Kind::top_k, .count = 4},
        Weigh{.kind = Kind::top_k, .count = 2, .sink = true}, Weigh{.kind = Kind::gumbel, .temperature = 0.8},
        Weigh{.kind = Kind::softmax, .talking_heads = true},
        Weigh{.kind = Kind::entmax15, .temperature = 2, .talking_heads = true}}) {
    Tensors inputs = {masked_scores(4, 11, 3)};
    if (weigh.sink) inputs.push_back(random_tensor({3}, DType::f64, 4));
    if (weigh.talking_heads) {
      inputs.push_back(random_tensor({3, 3}, DType::f64, 5));
      inputs.push_back(random_tensor({3, 3}, DType::f64, 6));
    }
    const auto function = [&](const Tensors& x) {
      Settings run = training;
      if (weigh.sink) run.parameters.sink_logits = x[1];
      if (weigh.talking_heads) run.parameters.mix_scores = x[1], run.parameters.mix_weights = x[2];
      return Tensors{weighed(x[0], spec_of(weigh), run)};
    };
    EXPECT_TRUE(test::gradients_match(function, inputs))
        << static_cast<int>(weigh.kind) << " sink " << weigh.sink << " talking " << weigh.talking_heads;
  }
}

TEST(Weigh, TalkingHeadsMixScoresAndWeights) {
  const Tensor scores = masked_scores(4, 6, 11);
  Settings run;
  run.parameters.mix_scores = random_tensor({3, 3}, DType::f64, 12);
  run.parameters.mix_weights = random_tensor({3, 3}, DType::f64, 13);
  const auto mix = [](const Tensor& by, const Tensor& x, bool keep_holes) {
    const Tensor out = Tensor::zeros(x.shape(), DType::f64);
    const std::int64_t pairs = x.dim(2) * x.dim(3);
    for (std::int64_t b = 0; b < 2; ++b)
      for (std::int64_t h = 0; h < 3; ++h)
        for (std::int64_t i = 0; i < pairs; ++i) {
          double* to = out.data<double>() + (b * 3 + h) * pairs + i;
          for (std::int64_t g = 0; g < 3; ++g) {
            const double from = x.data<double>()[(b * 3 + g) * pairs + i];
            if (from > -kInfinity) *to += by.data<double>()[h * 3 + g] * from;
          }
          if (keep_holes && x.data<double>()[(b * 3 + h) * pairs + i] == -kInfinity) *to = -kInfinity;
        }
    return out;
  };
  const Tensor before = mix(run.parameters.mix_scores, scores, true);
  const Tensor weights = by_row(before, [](const Row& s, std::int64_t) { return softmax_row(s); });
  const Tensor expected = mix(run.parameters.mix_weights, weights, false);
  const Tensor got = weighed(scores, spec_of({.kind = Kind::softmax, .talking_heads = true}), run);
  EXPECT_TRUE(test::close(got, expected, 1e-13, 1e-14));
  for (std::int64_t i = 0; i < got.elements(); ++i)
    if (scores.data<double>()[i] == -kInfinity) {
      EXPECT_EQ(got.data<double>()[i], 0);
    }
}

TEST(Weigh, FollowsDoublePrecision) {
  const Settings training = {.training = true, .random = {7, 8}};
  for (const Kind kind : {Kind::softmax, Kind::sigmoid, Kind::sparsemax, Kind::entmax15, Kind::gumbel}) {
    const auto function = [&](const Tensors& x) {
      return Tensors{weighed(x[0], spec_of({.kind = kind, .temperature = 1.3}), training)};
    };
    EXPECT_TRUE(
        test::follows_double_precision(function, {random_tensor({2, 2, 9, 65}, DType::f64, 21)}, 1e-4))
        << static_cast<int>(kind);
  }
}

TEST(Weigh, StraightThroughHasTheGradientOfSoftmax) {
  const auto gradient = [](const Weigh& weigh, const Settings& run) {
    const Tensor scores = masked_scores(5, 9, 31);
    autograd::set_requires_grad(scores);
    const Tensor weights = weighed(scores, spec_of(weigh), run);
    return autograd::gradients({weights}, {scores}, {random_tensor({2, 3, 5, 9}, DType::f64, 32)})[0];
  };
  const Tensor expected = gradient({.kind = Kind::softmax, .temperature = 0.5}, {});
  for (const Kind kind : {Kind::hard, Kind::gumbel, Kind::reinforce})
    EXPECT_TRUE(test::same_bits(gradient({.kind = kind, .temperature = 0.5}, {}), expected));
  const Settings training = {.training = true, .random = {1, 2}};
  EXPECT_TRUE(test::same_bits(
      gradient({.kind = Kind::gumbel, .temperature = 0.5, .straight_through = true}, training),
      gradient({.kind = Kind::gumbel, .temperature = 0.5}, training)));
}

TEST(Weigh, EqualScoresAreTakenFromTheFirstKeyOn) {
  const Tensor scores = Tensor::from(Row{1, 2, 0, 2, 2, 1}, {1, 1, 1, 6});
  EXPECT_EQ(weighed(scores, spec_of({.kind = Kind::hard}), {}).to_vector<double>(), (Row{0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(weighed(scores, spec_of({.kind = Kind::top_k, .count = 2}), {}).to_vector<double>(),
            (Row{0, 0.5, 0, 0.5, 0, 0}));
}

TEST(Weigh, WeightsSumToOneAndWhatIsMaskedWeighsNothing) {
  for (const bool training : {false, true})
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
      for (const Kind kind : kKinds) {
        const Tensor scores = backend::cast(masked_scores(6, 67, 41), dtype);
        autograd::set_requires_grad(scores);
        const Settings run = {.training = training, .random = {9, 9}};
        const Tensor weights = weighed(scores, spec_of({.kind = kind}), run);
        EXPECT_EQ(weights.dtype(), dtype);
        const auto s = scores.to_vector<double>(), w = weights.to_vector<double>();
        for (std::size_t row = 0; row < w.size(); row += 67) {
          double sum = 0;
          for (std::size_t i = row; i < row + 67; ++i) {
            sum += w[i];
            if (s[i] == -kInfinity) {
              EXPECT_EQ(w[i], 0) << static_cast<int>(kind);
            }
          }
          const bool sees_nothing = std::all_of(s.begin() + static_cast<std::ptrdiff_t>(row),
                                                s.begin() + static_cast<std::ptrdiff_t>(row) + 67,
                                                [](double x) { return x == -kInfinity; });
          if (sees_nothing) {
            EXPECT_EQ(sum, 0) << static_cast<int>(kind);
          } else if (kind != Kind::sigmoid) {
            EXPECT_NEAR(sum, 1, dtype == DType::bf16 ? 2e-2 : 1e-5) << static_cast<int>(kind);
          }
        }
        if (kind == Kind::reinforce && training) {
          EXPECT_FALSE(autograd::requires_grad(weights));
          continue;
        }
        const Tensor slope =
            autograd::gradients({weights}, {scores}, {random_tensor(scores.shape(), dtype, 42)})[0];
        for (double x : slope.to_vector<double>()) ASSERT_TRUE(std::isfinite(x)) << static_cast<int>(kind);
      }
}

TEST(Weigh, NaNComesThroughAndIsNotHidden) {
  for (const bool training : {false, true})
    for (const Kind kind : kKinds) {
      const Tensor scores = masked_scores(6, 7, 51);
      scores.data<double>()[3] = std::nan("");
      const Settings run = {.training = training, .random = {9, 9}};
      const auto w = weighed(scores, spec_of({.kind = kind}), run).to_vector<double>();
      EXPECT_TRUE(std::isnan(w[3])) << static_cast<int>(kind) << training;
      for (std::size_t i = 7; i < w.size(); ++i) ASSERT_FALSE(std::isnan(w[i])) << static_cast<int>(kind);
    }
}

TEST(Weigh, GumbelChoosesEachKeyWithItsSoftmaxProbability) {
  const std::int64_t draws = 40000;
  const Row s = {0.3, -1, 2, 0, 1.1}, p = softmax_row(s);
  const Tensor scores = Tensor::empty({1, 2, draws / 2, 5}, DType::f64);
  for (std::int64_t i = 0; i < scores.elements(); ++i)
    scores.data<double>()[i] = s[static_cast<std::size_t>(i % 5)];
  const Settings run = {.training = true, .random = {61, 0}};
  for (const Weigh& weigh : {Weigh{.kind = Kind::gumbel, .temperature = 0.5, .straight_through = true},
                             Weigh{.kind = Kind::reinforce}}) {
    const auto w = weighed(scores, spec_of(weigh), run).to_vector<double>();
    Row count(5, 0);
    for (std::size_t i = 0; i < w.size(); ++i) count[i % 5] += w[i];
    for (std::size_t k = 0; k < 5; ++k) {
      // Five standard deviations of the binomial distribution.
      const double deviation = std::sqrt(p[k] * (1 - p[k]) / static_cast<double>(draws));
      EXPECT_NEAR(count[k] / static_cast<double>(draws), p[k], 5 * deviation) << k << " seed 61";
    }
  }
}

TEST(Weigh, NoiseIsAFunctionOfTheStreamAlone) {
  const Shape shape = {2, 3, 50, 67};
  const auto noise = [&](std::uint64_t seed, std::uint64_t stream) {
    return attention::gumbel_noise(shape, DType::f64, {seed, stream});
  };
  EXPECT_TRUE(test::same_bits(noise(1, 2), noise(1, 2)));
  EXPECT_FALSE(test::same_bits(noise(1, 2), noise(1, 3)));
  EXPECT_FALSE(test::same_bits(noise(1, 2), noise(2, 2)));
  // Mean Euler's constant, variance pi^2 / 6; 20,100 numbers.
  const auto x = noise(1, 2).to_vector<double>();
  const double n = static_cast<double>(x.size()), mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  double square = 0;
  for (double v : x) square += (v - mean) * (v - mean);
  EXPECT_NEAR(mean, 0.5772, 0.045);
  EXPECT_NEAR(square / n, 1.6449, 0.15);
  for (std::size_t row = 0; row + 67 < x.size(); row += 67) EXPECT_NE(x[row], x[row + 67]);
}

TEST(Weigh, SameBitsForAnyNumberOfThreads) {
  const Settings run = {.training = true, .random = {9, 9}};
  for (const Kind kind : kKinds) {
    if (kind == Kind::reinforce) continue;
    const auto function = [&](const Tensors& x) {
      return Tensors{weighed(x[0], spec_of({.kind = kind, .straight_through = true}), run)};
    };
    EXPECT_TRUE(test::same_bits_for_threads(function, {random_tensor({2, 3, 70, 130}, DType::f32, 71)}));
  }
}

TEST(Weigh, TheCompositeReadsWithTheseWeights) {
  // Sizes with keys before the first query's place, grouped heads and queries that see nothing.
  for (const auto& [queries, keys] : {std::pair<std::int64_t, std::int64_t>{3, 7}, {6, 4}}) {
    const Tensors x = {random_tensor({2, queries, 4, 5}, DType::f64, 81, -2, 2),
                       random_tensor({2, keys, 2, 5}, DType::f64, 82, -2, 2),
                       random_tensor({2, keys, 2, 3}, DType::f64, 83)};
    for (const Kind kind : kKinds) {
      AttentionSpec spec = spec_of({.kind = kind, .temperature = 1.2, .count = 2});
      spec.place.mask = attention::Place::Mask::causal;
      const Settings run = {.training = kind == Kind::gumbel, .random = {1, 2}};
      const Tensor weights = attention::weights(x[0], x[1], spec, run);
      const Tensor y = attention::attend_composite(x[0], x[1], x[2], spec, run);
      const Tensor expected = Tensor::zeros(y.shape(), DType::f64);
      for (std::int64_t b = 0; b < 2; ++b)
        for (std::int64_t i = 0; i < queries; ++i)
          for (std::int64_t h = 0; h < 4; ++h)
            for (std::int64_t j = 0; j < keys; ++j)
              for (std::int64_t c = 0; c < 3; ++c)
                expected.data<double>()[((b * queries + i) * 4 + h) * 3 + c] +=
                    weights.data<double>()[((b * 4 + h) * queries + i) * keys + j] *
                    x[2].data<double>()[((b * keys + j) * 2 + h / 2) * 3 + c];
      EXPECT_TRUE(test::close(y, expected, 1e-13, 1e-14)) << static_cast<int>(kind);
      if (kind == Kind::hard || kind == Kind::reinforce) continue;
      EXPECT_TRUE(test::gradients_match(
          [&](const Tensors& in) {
            return Tensors{attention::attend_composite(in[0], in[1], in[2], spec, run)};
          },
          {x[0].clone(), x[1].clone(), x[2].clone()}))
          << static_cast<int>(kind);
    }
  }
}

TEST(Weigh, NamesWhatDoesNotFit) {
  const Tensor scores = Tensor::zeros({1, 2, 3, 4});
  const auto run = [&](const Weigh& weigh, const Settings& settings = {}) {
    return weighed(scores, spec_of(weigh), settings);
  };
  EXPECT_ERROR(run({.sink = true}), "the parameter sink_logits [2] is missing");
  EXPECT_ERROR(run({.talking_heads = true}), "the parameter mix_scores [2, 2] is missing");
  Settings settings;
  settings.parameters.sink_logits = Tensor::zeros({3});
  EXPECT_ERROR(run({.sink = true}, settings), "the parameter sink_logits is f32 [3], f32 [2] needed");
  settings.parameters.mix_scores = Tensor::zeros({2, 2});
  settings.parameters.mix_weights = Tensor::zeros({2, 2}, DType::i32);
  EXPECT_ERROR(run({.talking_heads = true}, settings), "mix_weights is i32 [2, 2]");
}

}  // namespace
}  // namespace attend
