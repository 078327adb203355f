#include "attend/attention/reinforce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attend/attention/attend.h"
#include "attend/autograd/tape.h"
#include "attention/steps.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"
#include "support/sanitized.h"

namespace attend {
namespace {

using attention::Draws;
using Settings = attention::Run;
using attention::Weigh;
using autograd::Tensors;
using test::random_tensor;

AttentionSpec reinforce_spec(double temperature = 1) {
  AttentionSpec spec;
  spec.weigh = {.kind = Weigh::Kind::reinforce, .temperature = temperature};
  return spec;
}

TEST(Reinforce, TheMeanOfTheEstimateIsTheGradientOfTheExpectedReward) {
  const std::vector<double> s = {0.5, -0.5, 1, 0}, reward_of = {1, 3, -1, 2};
  const double temperature = 0.8;
  std::vector<double> p;
  double sum = 0, expected_reward = 0;
  for (double x : s) p.push_back(std::exp(x / temperature)), sum += p.back();
  for (std::size_t k = 0; k < 4; ++k) expected_reward += (p[k] /= sum) * reward_of[k];
  std::vector<double> variance_of;
  for (const double baseline : {0.0, expected_reward}) {
    std::vector<double> mean(4), square(4);
    const int seeds = test::kSanitized ? 1000 : 20000;
    for (int seed = 0; seed < seeds; ++seed) {
      const Tensor scores = Tensor::from(s, {1, 1, 1, 4});
      autograd::set_requires_grad(scores);
      Draws draws;
      const Settings run = {
          .training = true, .random = {static_cast<std::uint64_t>(seed), 0}, .draws = &draws};
      const auto weights = attention::weighed(scores, reinforce_spec(temperature), run).to_vector<double>();
      double reward = 0;
      for (std::size_t k = 0; k < 4; ++k) reward += weights[k] * reward_of[k];
      const Tensor loss = attention::reinforce_loss(draws.log_probabilities.at(0),
                                                    Tensor::full({}, reward, DType::f64), baseline);
      const auto gradient = autograd::gradients({loss}, {scores})[0].to_vector<double>();
      for (std::size_t k = 0; k < 4; ++k) {
        mean[k] += gradient[k] / seeds;
        square[k] += gradient[k] * gradient[k] / seeds;
      }
    }
    double total = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const double variance = square[k] - mean[k] * mean[k];
      total += variance;
      // d -E[reward] / d s_k; five standard errors.
      EXPECT_NEAR(mean[k], -p[k] * (reward_of[k] - expected_reward) / temperature,
                  5 * std::sqrt(variance / seeds))
          << k << " seeds 0 to " << seeds - 1;
    }
    variance_of.push_back(total);
  }
  EXPECT_LT(variance_of[1], variance_of[0]);
}

TEST(Reinforce, GivesTheLogProbabilityOfWhatItDrew) {
  const Tensor scores = random_tensor({2, 3, 4, 5}, DType::f64, 1, -2, 2);
  for (std::int64_t k = 0; k < 5; ++k) scores.data<double>()[k] = -std::numeric_limits<double>::infinity();
  autograd::set_requires_grad(scores);
  Draws draws;
  const Settings run = {.training = true, .random = {3, 4}, .draws = &draws};
  const auto w = attention::weighed(scores, reinforce_spec(), run).to_vector<double>();
  const auto s = scores.to_vector<double>();
  ASSERT_EQ(draws.log_probabilities.size(), 1u);
  const Tensor& logs = draws.log_probabilities[0];
  ASSERT_TRUE(logs.shape() == (Shape{2, 3, 4}));
  for (std::size_t row = 0; row < 24; ++row) {
    double sum = 0, chosen = 0;
    for (std::size_t k = 0; k < 5; ++k) {
      sum += std::exp(s[row * 5 + k]);
      if (w[row * 5 + k] == 1) chosen = std::exp(s[row * 5 + k]);
    }
    EXPECT_NEAR(logs.to_vector<double>()[row], row == 0 ? 0 : std::log(chosen / sum), 1e-13);
  }
  const Tensor loss = attention::reinforce_loss(logs, random_tensor({2, 1, 4}, DType::f64, 5));
  for (double x : autograd::gradients({loss}, {scores})[0].to_vector<double>()) EXPECT_TRUE(std::isfinite(x));
}

TEST(Reinforce, ReachesQueriesAndKeysThroughTheComposite) {
  const Tensor key = random_tensor({2, 6, 2, 4}, DType::f64, 2),
               value = random_tensor({2, 6, 2, 4}, DType::f64, 3);
  const auto function = [&](const Tensors& x) {
    Draws draws;
    const Settings run = {.training = true, .random = {5, 6}, .draws = &draws};
    attention::attend_composite(x[0], x[1], value, reinforce_spec(0.7), run);
    return Tensors{attention::reinforce_loss(draws.log_probabilities.at(0),
                                             random_tensor({2, 1, 1}, DType::f64, 7), 0.3)};
  };
  const Tensors inputs = {random_tensor({2, 3, 2, 4}, DType::f64, 1), key};
  for (const Tensor& input : inputs) autograd::set_requires_grad(input);
  for (const Tensor& slope : autograd::gradients(function(inputs), inputs)) ASSERT_TRUE(slope.defined());
}

TEST(Reinforce, RecordsNothingOutsideTrainingOrOffTheTape) {
  const Tensor scores = random_tensor({1, 1, 2, 3}, DType::f64, 1);
  Draws draws;
  attention::weighed(scores, reinforce_spec(), {.training = true, .draws = &draws});
  autograd::set_requires_grad(scores);
  attention::weighed(scores, reinforce_spec(), {.draws = &draws});
  {
    const autograd::NoGrad no_grad;
    attention::weighed(scores, reinforce_spec(), {.training = true, .draws = &draws});
  }
  EXPECT_TRUE(draws.log_probabilities.empty());
}

TEST(Reinforce, LossIsItsFormula) {
  const Tensor logs = random_tensor({2, 3, 4}, DType::f64, 1, -3, 0),
               reward = random_tensor({2, 1, 4}, DType::f64, 2);
  double expected = 0;
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t h = 0; h < 3; ++h)
      for (std::int64_t q = 0; q < 4; ++q)
        expected -= (reward.data<double>()[b * 4 + q] - 0.4) * logs.data<double>()[(b * 3 + h) * 4 + q] / 2;
  EXPECT_NEAR(attention::reinforce_loss(logs, reward, 0.4).item(), expected, 1e-13);
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& x) { return Tensors{attention::reinforce_loss(x[0], reward, 0.4)}; },
      {logs.clone()}));
  autograd::set_requires_grad(reward);
  EXPECT_FALSE(autograd::requires_grad(attention::reinforce_loss(logs, reward)));
}

TEST(Reinforce, BaselineIsAMovingMean) {
  attention::Baseline baseline(0.75);
  EXPECT_EQ(baseline.value(), 0);
  baseline.update(Tensor::from(std::vector<float>{1, 3}, {2}));
  EXPECT_EQ(baseline.value(), 2);
  baseline.update(Tensor::full({}, 4));
  EXPECT_EQ(baseline.value(), 0.75 * 2 + 0.25 * 4);
  EXPECT_ERROR(baseline.update(Tensor::full({}, std::nan(""))), "not a finite number");
  EXPECT_EQ(baseline.value(), 2.5);
}

TEST(Reinforce, NamesWhatDoesNotFit) {
  EXPECT_ERROR(attention::Baseline(1), "decay 1 is not in [0, 1)");
  EXPECT_ERROR(attention::reinforce_loss(Tensor::zeros({2, 3}), Tensor::zeros({})),
               "[batch, heads, queries]");
  EXPECT_ERROR(attention::reinforce_loss(Tensor::zeros({2, 3, 4}), Tensor::zeros({2})), "do not broadcast");
  EXPECT_ERROR(attention::reinforce_loss(Tensor::zeros({2, 1, 4}), Tensor::zeros({2, 3, 4})), "does not fit");
  EXPECT_ERROR(attention::reinforce_loss(Tensor::zeros({2, 3, 4}), Tensor::zeros({}, DType::i32)), "i32 []");
}

}  // namespace
}  // namespace attend
