#include "attend/nn/convolution.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/autograd/tape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using nn::Convolution;
using nn::ConvolutionOptions;
using test::random_tensor;

const ConvolutionOptions kUnlike{
    .kernel = {3, 2}, .geometry = {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2}};

Tensor named(const nn::Module& module, const std::string& name) {
  for (const auto& parameter : module.parameters())
    if (parameter.name == name) return parameter.tensor;
  return {};
}

/// Biases that do not start at zero, as they do.
void stir(const nn::Module& module) {
  std::uint64_t seed = 30;
  for (const auto& parameter : module.parameters())
    parameter.tensor.copy_from(random_tensor(parameter.tensor.shape(), parameter.tensor.dtype(), ++seed));
}

TEST(ConvolutionLayer, IsTheOperationOnItsParameters) {
  for (const bool bias : {true, false})
    for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
      ConvolutionOptions options = kUnlike;
      options.bias = bias;
      Generator random(1);
      Convolution layer(4, 6, options, random);
      if (dtype == DType::f64) layer.cast_parameters(dtype);
      stir(layer);
      const Tensor x = random_tensor({2, 5, 4, 4}, dtype, 3), weight = named(layer, "weight");
      EXPECT_TRUE(weight.shape() == Shape({6, 2, 3, 2}));
      EXPECT_EQ(named(layer, "bias").defined(), bias);
      const Tensor y = layer.forward(x).detach();
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_TRUE(
          test::same_bits(y, op::convolution(x, weight, named(layer, "bias"), options.geometry).detach()));
    }
}

TEST(ConvolutionLayer, GradientsMatchFiniteDifferences) {
  Generator random(1);
  Convolution layer(4, 6, kUnlike, random);
  layer.cast_parameters(DType::f64);
  stir(layer);
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& x) { return Tensors{layer.forward(x[0])}; },
      {random_tensor({1, 3, 3, 4}, DType::f64, 3), named(layer, "weight"), named(layer, "bias")}));
}

TEST(ConvolutionLayer, RunsWithParametersInBf16) {
  Generator random(1);
  Convolution layer(4, 6, kUnlike, random);
  stir(layer);
  const Tensor x = random_tensor({2, 5, 4, 4}, DType::bf16, 3);
  const Tensor exact = layer.forward(x).detach();
  layer.cast_parameters(DType::bf16);
  EXPECT_EQ(named(layer, "weight").dtype(), DType::bf16);
  EXPECT_EQ(named(layer, "bias").dtype(), DType::f32);
  const Tensor y = layer.forward(x);
  EXPECT_EQ(y.dtype(), DType::bf16);
  // Twelve products, of which each has a weight that was rounded to 8 bits, and the result once more.
  EXPECT_TRUE(test::close(y, exact, 2e-2, 2e-2));
}

TEST(ConvolutionLayer, StartsAsHeEtAl) {
  Generator random(1);
  const Convolution layer(16, 64, {.kernel = {3, 5}, .geometry = {.groups = 2}}, random);
  double sum = 0, square = 0;
  for (const double w : named(layer, "weight").to_vector<double>()) {
    sum += w;
    square += w * w;
  }
  const double n = 64 * 8 * 15, deviation = std::sqrt(2.0 / (8 * 15));
  // Five standard errors of the mean and of the deviation of a sample.
  EXPECT_NEAR(sum / n, 0, 5 * deviation / std::sqrt(n));
  EXPECT_NEAR(std::sqrt(square / n), deviation, 5 * deviation / std::sqrt(2 * n));
  for (const double b : named(layer, "bias").to_vector<double>()) EXPECT_EQ(b, 0);
  for (const auto& parameter : layer.parameters()) {
    EXPECT_EQ(parameter.decay, parameter.name == "weight");
    EXPECT_TRUE(parameter.trainable);
  }
  EXPECT_EQ(layer.parameter_count(), 64 * 8 * 15 + 64);
}

TEST(ConvolutionLayer, NamesWhatDoesNotFit) {
  Generator random(1);
  const auto make = [&](std::int64_t in, std::int64_t out, const ConvolutionOptions& options) {
    const Convolution layer(in, out, options, random);
  };
  EXPECT_ERROR(make(0, 4, {}), "from 0 to 4 channels");
  EXPECT_ERROR(make(4, 0, {}), "from 4 to 0 channels");
  EXPECT_ERROR(make(4, 4, {.kernel = {3, 0}}), "a kernel of 3 x 0");
  EXPECT_ERROR(make(4, 4, {.kernel = {-1, 3}}), "a kernel of -1 x 3");
  EXPECT_ERROR(make(4, 4, {.geometry = {.groups = 0}}), "in 0 groups");
  EXPECT_ERROR(make(6, 4, {.geometry = {.groups = 4}}), "groups that divide the channels");
  EXPECT_ERROR(make(4, 6, {.geometry = {.groups = 4}}), "groups that divide the channels");
  const Convolution layer(4, 6, {}, random);
  EXPECT_ERROR(layer.forward(Tensor::zeros({2, 5, 5, 3})), "convolution");
  EXPECT_ERROR(layer.forward(Tensor::zeros({5, 5, 4})), "convolution");
  EXPECT_ERROR(layer.forward(Tensor::zeros({2, 2, 5, 4})), "convolution");
  EXPECT_ERROR(layer.forward(Tensor::zeros({2, 5, 5, 4}, DType::i32)), "convolution");
}

}  // namespace
}  // namespace attend
