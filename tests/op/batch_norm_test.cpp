#include "attend/op/batch_norm.h"

#include <gtest/gtest.h>

#include "attend/op/activation.h"
#include "attend/op/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_tensor;

// Parameters are f32 beside bf16.
Tensor beside(const Tensor& x, const Tensor& parameter) {
  return op::cast(parameter, x.dtype() == DType::f64 ? DType::f64 : DType::f32);
}

auto batch_norm_of(const op::BatchNormOptions& options = {}) {
  return [options](const Tensors& x) {
    return Tensors{op::batch_norm(x[0], beside(x[0], x[1]), beside(x[0], x[2]), options).y};
  };
}

Tensors inputs_of(const Shape& shape) {
  const Shape channels{shape[shape.rank() - 1]};
  return {random_tensor(shape, DType::f64, 1), random_tensor(channels, DType::f64, 2),
          random_tensor(channels, DType::f64, 3)};
}

// Of 7 channels, as tests/golden/make_convolution.py has them.
op::ChannelStatistics given_statistics(DType dtype) {
  std::vector<double> mean, variance;
  for (int c = 0; c < 7; ++c) {
    mean.push_back(c / 8.0 - 0.25);
    variance.push_back(c / 8.0 + 0.5);
  }
  if (dtype == DType::f64) return {.mean = Tensor::from(mean, {7}), .variance = Tensor::from(variance, {7})};
  return {.mean = Tensor::from(std::vector<float>(mean.begin(), mean.end()), {7}),
          .variance = Tensor::from(std::vector<float>(variance.begin(), variance.end()), {7})};
}

auto given_norm_of(const op::BatchNormOptions& options = {}) {
  return [options](const Tensors& x) {
    return Tensors{op::batch_norm_by(given_statistics(x[0].dtype()), x[0], beside(x[0], x[1]),
                                     beside(x[0], x[2]), options)};
  };
}

TEST(BatchNorm, GradientsMatchFiniteDifferences) {
  EXPECT_TRUE(test::gradients_match(batch_norm_of(), inputs_of({2, 3, 2, 5})));
  EXPECT_TRUE(test::gradients_match(batch_norm_of({.epsilon = 0.1}), inputs_of({6, 3})));
  EXPECT_TRUE(test::gradients_match(batch_norm_of({.relu = true}), inputs_of({2, 3, 3, 4})));
  EXPECT_TRUE(test::gradients_match(given_norm_of(), inputs_of({2, 3, 2, 7})));
  EXPECT_TRUE(test::gradients_match(given_norm_of({.relu = true}), inputs_of({2, 3, 2, 7})));
}

TEST(BatchNorm, AgreesWithPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    for (const int channels : {1, 7, 16, 33})
      EXPECT_TRUE(test::golden_matches("convolution.safetensors", "batch_norm_" + std::to_string(channels),
                                       batch_norm_of(),
                                       // bf16: differences of sums of rounded values.
                                       {.dtype = dtype, .absolute = dtype == DType::bf16 ? 6e-2 : -1}))
          << channels << ", " << name_of(dtype);
    EXPECT_TRUE(test::golden_matches("convolution.safetensors", "batch_norm_of_running", given_norm_of(),
                                     {.dtype = dtype, .absolute = dtype == DType::bf16 ? 6e-2 : -1}))
        << name_of(dtype);
  }
}

TEST(BatchNorm, FusedReluIsReluOfTheResult) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor x = random_tensor({2, 5, 5, 19}, dtype, 1), weight = random_tensor({19}, DType::f32, 2),
                 bias = random_tensor({19}, DType::f32, 3);
    const Tensor expected = op::activate(op::batch_norm(x, weight, bias).y, Activation::relu);
    EXPECT_TRUE(test::same_bits(op::batch_norm(x, weight, bias, {.relu = true}).y, expected));
  }
}

TEST(BatchNorm, SinglePrecisionFollowsTheDefinitionWithTheSameBitsForThreads) {
  for (const Shape& shape : {Shape{2, 1, 1, 1}, Shape{3, 7, 5, 3}, Shape{4, 9, 9, 65}, Shape{16, 14, 14, 64}})
    for (const bool relu : {false, true}) {
      const op::BatchNormOptions options{.relu = relu};
      // With relu, a value near 0 may be on either side of it.
      if (!relu && shape.elements() > 2) {
        EXPECT_TRUE(test::follows_double_precision(batch_norm_of(options), inputs_of(shape),
                                                   {.dtype = DType::f32, .relative = 1e-4, .absolute = 1e-4}))
            << shape.text();
      }
      for (const DType dtype : {DType::f32, DType::bf16}) {
        const Shape channels{shape[3]};
        EXPECT_TRUE(test::same_bits_for_threads(
            batch_norm_of(options), {random_tensor(shape, dtype, 4), random_tensor(channels, DType::f32, 5),
                                     random_tensor(channels, DType::f32, 6)}))
            << shape.text();
      }
    }
}

TEST(BatchNorm, TellsTheStatisticsOfTheBatch) {
  const op::BatchNorm result = op::batch_norm(Tensor::from(std::vector<float>{1, 10, 3, 10, 5, 10}, {3, 2}),
                                              Tensor::full({2}, 1), Tensor::zeros({2}));
  EXPECT_EQ(result.statistics.mean.to_vector<float>(), (std::vector<float>{3, 10}));
  const auto variance = result.statistics.variance.to_vector<double>();
  EXPECT_NEAR(variance[0], 8.0 / 3, 1e-6);
  EXPECT_EQ(variance[1], 0);
}

TEST(BatchNorm, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({2, 4}), four = Tensor::zeros({4});
  EXPECT_ERROR(op::batch_norm(Tensor::zeros({4}), four, four), "x [..., channels] with values needed");
  EXPECT_ERROR(op::batch_norm(Tensor::zeros({0, 4}), four, four), "with values needed");
  EXPECT_ERROR(op::batch_norm(x, Tensor::zeros({3}), four), "weight and bias f32 [4] needed");
  EXPECT_ERROR(op::batch_norm(x, four, Tensor()), "weight and bias f32 [4] needed");
  EXPECT_ERROR(op::batch_norm(x, four, four, {.epsilon = -1}), "epsilon -1 given");
  EXPECT_ERROR(op::batch_norm_by({.mean = four, .variance = Tensor::zeros({5})}, x, four, four),
               "mean and variance f32 [4] needed");
}

}  // namespace
}  // namespace attend
