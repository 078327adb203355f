#include "attend/decode/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <numeric>

#include "support/expect_error.h"

namespace attend::decode {
namespace {

const std::vector<float> kScores = {0.5f, 2.0f, -1.0f, 1.5f, 0.0f, 1.9f, -3.0f, 0.7f};
constexpr int kDraws = 20000;
constexpr std::uint64_t kSeed = 29;

/// softmax(scores / temperature) over the tokens that `kept` names, 0 elsewhere.
std::vector<double> softmax_over(const std::vector<std::size_t>& kept, double temperature) {
  std::vector<double> result(kScores.size(), 0.0);
  double sum = 0;
  for (const std::size_t id : kept) sum += result[id] = std::exp(kScores[id] / temperature);
  for (double& value : result) value /= sum;
  return result;
}

const std::vector<std::size_t> kAll = {0, 1, 2, 3, 4, 5, 6, 7};

/// Pearson's statistic of many draws against the probabilities stays below a bound that chance exceeds less
/// than once in ten thousand for up to 7 degrees of freedom; what has no probability is never drawn.
void expect_distribution(const SamplerOptions& given, const std::vector<double>& expected) {
  SamplerOptions options = given;
  options.seed = kSeed;
  std::cout << "seed: " << kSeed << "\n";
  Sampler sampler(options);
  std::vector<int> counts(kScores.size(), 0);
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<std::size_t>(sampler.draw(kScores))];
  double statistic = 0;
  for (std::size_t id = 0; id < counts.size(); ++id) {
    const double wanted = expected[id] * kDraws;
    if (expected[id] == 0) {
      EXPECT_EQ(counts[id], 0) << "token " << id;
    } else {
      statistic += (counts[id] - wanted) * (counts[id] - wanted) / wanted;
    }
  }
  EXPECT_FALSE(!(statistic <= 30)) << statistic << " " << testing::PrintToString(counts);
}

TEST(Sampler, TemperatureDividesTheScores) {
  for (const double temperature : {0.5, 1.0, 2.0}) {
    SCOPED_TRACE(temperature);
    expect_distribution({.temperature = temperature}, softmax_over(kAll, temperature));
  }
}

TEST(Sampler, TopKKeepsTheLikeliest) {
  expect_distribution({.temperature = 1.3, .top_k = 3}, softmax_over({1, 5, 3}, 1.3));
  expect_distribution({.temperature = 1, .top_k = 100}, softmax_over(kAll, 1));
}

TEST(Sampler, TopPKeepsTheFewestThatReachIt) {
  const std::vector<double> all = softmax_over(kAll, 1);
  const double two = all[1] + all[5], three = two + all[3];
  expect_distribution({.temperature = 1, .top_p = all[1] / 2}, softmax_over({1}, 1));
  expect_distribution({.temperature = 1, .top_p = (two + three) / 2}, softmax_over({1, 5, 3}, 1));
  expect_distribution({.temperature = 1, .top_p = (all[1] + two) / 2}, softmax_over({1, 5}, 1));
  expect_distribution({.temperature = 1, .top_p = 1}, all);
}

TEST(Sampler, TopPIsAPartOfWhatTopKLeaves) {
  const std::vector<double> three = softmax_over({1, 5, 3}, 1);
  expect_distribution({.temperature = 1, .top_k = 3, .top_p = three[1] + 0.9 * three[5]},
                      softmax_over({1, 5}, 1));
}

TEST(Sampler, TemperatureZeroTakesTheLargestAndOfEqualOnesTheFirst) {
  const SamplerOptions options = {.temperature = 0};
  Sampler sampler(options);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(sampler.draw(kScores), 1);
  EXPECT_EQ(sampler.draw({1, 3, 3, 2}), 1);
}

TEST(Sampler, TheSeedDecides) {
  const auto draws = [](std::uint64_t seed) {
    const SamplerOptions options = {.temperature = 1, .seed = seed};
    Sampler sampler(options);
    std::vector<std::int32_t> result;
    for (int i = 0; i < 50; ++i) result.push_back(sampler.draw(kScores));
    return result;
  };
  EXPECT_EQ(draws(3), draws(3));
  EXPECT_NE(draws(3), draws(4));
}

TEST(Sampler, DamagedScores) {
  const SamplerOptions options = {.temperature = 1}, greedy = {.temperature = 0};
  const std::vector<float> damaged = {1, std::numeric_limits<float>::quiet_NaN(), 2};
  EXPECT_ERROR(Sampler(options).draw(damaged), "NaN");
  EXPECT_ERROR(Sampler(greedy).draw(damaged), "NaN");
  Sampler sampler(options);
  const float never = -std::numeric_limits<float>::infinity();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(sampler.draw({never, 0, never}), 1);
}

TEST(SamplerOptionsTest, EveryValueOutOfRangeIsNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_NO_THROW(validate(SamplerOptions{}));
  EXPECT_NO_THROW(validate(SamplerOptions{.temperature = 0, .top_k = 1, .top_p = 1e-9}));
  for (const double bad : {-0.1, nan, infinity})
    EXPECT_ERROR(validate(SamplerOptions{.temperature = bad}), "temperature");
  EXPECT_ERROR(validate(SamplerOptions{.top_k = -1}), "top-k -1");
  for (const double bad : {0.0, -1.0, 1.001, nan, infinity})
    EXPECT_ERROR(validate(SamplerOptions{.top_p = bad}), "top-p");
}

}  // namespace
}  // namespace attend::decode
