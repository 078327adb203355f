#include "attend/nn/feed_forward.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numbers>

#include "support/compare.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using nn::HiddenActivation;

double gelu(double x) {
  return x / 2 * (1 + std::erf(x / std::numbers::sqrt2));
}
double gelu_tanh(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}
double relu(double x) {
  return x > 0 ? x : 0;
}
double silu(double x) {
  return x / (1 + std::exp(-x));
}

struct Case {
  HiddenActivation activation;
  const char* name;
  double (*function)(double);
  bool gated;
};
const Case kCases[] = {
    {HiddenActivation::gelu_tanh, "gelu_tanh", gelu_tanh, false},
    {HiddenActivation::gelu, "gelu", gelu, false},
    {HiddenActivation::relu, "relu", relu, false},
    {HiddenActivation::silu, "silu", silu, false},
    {HiddenActivation::swiglu, "swiglu", silu, true},
    {HiddenActivation::geglu, "geglu", gelu, true},
    {HiddenActivation::reglu, "reglu", relu, true},
};

using Row = std::vector<double>;

/// W x + b with W [rows of the result, columns].
Row affine(const Row& weight, const Row& bias, const Row& x) {
  Row y(weight.size() / x.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] = bias.empty() ? 0 : bias[i];
    for (std::size_t j = 0; j < x.size(); ++j) y[i] += weight[i * x.size() + j] * x[j];
  }
  return y;
}

TEST(FeedForward, FollowsTheFormulaOfEachActivation) {
  constexpr std::int64_t kDim = 6, kInner = 5, kTokens = 8;
  for (const auto& [activation, name, function, gated] : kCases)
    for (const bool bias : {true, false}) {
      Generator random(1);
      nn::FeedForward layer(kDim, {.inner = kInner, .activation = activation, .bias = bias}, random);
      layer.cast_parameters(DType::f64);
      std::map<std::string, Row> weights;
      std::uint64_t seed = 10;
      for (const auto& [parameter, tensor, decay, trainable] : layer.parameters()) {
        // Inner sums of up to about 4: there GELU and its approximation differ in the fourth digit.
        tensor.copy_from(test::random_tensor(tensor.shape(), DType::f64, ++seed, -1.5, 1.5));
        weights[parameter] = tensor.to_vector<double>();
      }
      EXPECT_EQ(nn::is_gated(activation), gated) << name;
      ASSERT_EQ(weights.at("inner.weight").size(), static_cast<std::size_t>(kDim * kInner * (gated ? 2 : 1)))
          << name;
      const Tensor x = test::random_tensor({2, kTokens / 2, kDim}, DType::f64, 3);
      const auto all = x.to_vector<double>();
      Row expected;
      for (std::size_t token = 0; token < kTokens; ++token) {
        const Row in(all.begin() + static_cast<std::ptrdiff_t>(token * kDim),
                     all.begin() + static_cast<std::ptrdiff_t>((token + 1) * kDim));
        const Row inner = affine(weights.at("inner.weight"), weights["inner.bias"], in);
        Row hidden(kInner);
        for (std::size_t i = 0; i < kInner; ++i)
          hidden[i] = function(inner[i]) * (gated ? inner[kInner + i] : 1);
        const Row out = affine(weights.at("output.weight"), weights["output.bias"], hidden);
        expected.insert(expected.end(), out.begin(), out.end());
      }
      EXPECT_TRUE(test::close(layer.forward(x), Tensor::from(expected, x.shape()), 1e-12, 1e-12))
          << name << ", bias " << bias;
    }
}

}  // namespace
}  // namespace attend
