#include "attend/nn/batch_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attend/autograd/tape.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using nn::BatchNorm;
using test::random_tensor;

const nn::Run kTraining{.training = true};

Tensor named(const nn::Module& module, const std::string& name) {
  for (const auto& parameter : module.parameters())
    if (parameter.name == name) return parameter.tensor;
  return {};
}

/// Weights and biases that are not those of the start, of f32 or f64.
void stir(BatchNorm& norm, DType dtype = DType::f32) {
  norm.cast_parameters(dtype);
  named(norm, "weight").copy_from(random_tensor(named(norm, "weight").shape(), dtype, 11));
  named(norm, "bias").copy_from(random_tensor(named(norm, "bias").shape(), dtype, 12));
}

/// PyTorch's rule, a channel at a time, by the definition: running += part (of the batch - running), where
/// the variance is divided by one less than the values.
struct Running {
  std::vector<double> mean, variance;

  explicit Running(std::size_t channels) : mean(channels, 0), variance(channels, 1) {}

  void see(const Tensor& x, double part) {
    const std::vector<double> values = x.to_vector<double>();
    const std::size_t channels = mean.size(), rows = values.size() / channels;
    for (std::size_t c = 0; c < channels; ++c) {
      double sum = 0, square = 0;
      for (std::size_t r = 0; r < rows; ++r) sum += values[r * channels + c];
      const double middle = sum / static_cast<double>(rows);
      for (std::size_t r = 0; r < rows; ++r) square += std::pow(values[r * channels + c] - middle, 2);
      mean[c] += part * (middle - mean[c]);
      variance[c] += part * (square / static_cast<double>(rows - 1) - variance[c]);
    }
  }
  void expect_in(const BatchNorm& norm, double tolerance) const {
    const Shape shape{static_cast<std::int64_t>(mean.size())};
    EXPECT_TRUE(test::close(named(norm, "running_mean"), Tensor::from(mean, shape), tolerance, tolerance));
    EXPECT_TRUE(
        test::close(named(norm, "running_variance"), Tensor::from(variance, shape), tolerance, tolerance));
  }
};

TEST(BatchNormLayer, TrainsByTheStatisticsOfTheBatch) {
  for (const bool relu : {false, true})
    for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
      BatchNorm norm(5, {.epsilon = 0.1, .relu = relu});
      stir(norm, dtype == DType::f64 ? dtype : DType::f32);
      const Tensor x = random_tensor({3, 2, 4, 5}, dtype, 1, -1, 3);
      const auto expected =
          op::batch_norm(x, named(norm, "weight"), named(norm, "bias"), {.epsilon = 0.1, .relu = relu});
      const Tensor y = norm.forward(x, kTraining);
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_TRUE(test::same_bits(y.detach(), expected.y.detach()));
    }
}

TEST(BatchNormLayer, RunningStatisticsFollowTheBatches) {
  for (const double part : {0.1, 0.25, 0.0, 1.0})
    for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
      BatchNorm norm(3, {.momentum = part});
      if (dtype == DType::f64) norm.cast_parameters(dtype);
      Running expected(3);
      for (const std::uint64_t seed : {1, 2}) {
        const Tensor x = random_tensor({2, 2, 1, 3}, dtype, seed, -1, 3);
        norm.forward(x, kTraining);
        expected.see(x, part);
      }
      // Sums of four numbers; statistics of bf16 are f32.
      expected.expect_in(norm, dtype == DType::f64 ? 1e-14 : 1e-6);
    }
}

TEST(BatchNormLayer, AnythingElseUsesThemAndChangesNothing) {
  for (const bool relu : {false, true})
    for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
      BatchNorm norm(5, {.epsilon = 0.1, .relu = relu});
      stir(norm, dtype == DType::f64 ? dtype : DType::f32);
      for (const std::uint64_t seed : {1, 2})
        norm.forward(random_tensor({3, 2, 4, 5}, dtype, seed, -1, 3), kTraining);
      const Tensor mean = named(norm, "running_mean").clone(),
                   variance = named(norm, "running_variance").clone();
      const Tensor x = random_tensor({1, 2, 1, 5}, dtype, 3, -1, 3);
      const Tensor y = norm.forward(x, {});
      EXPECT_EQ(y.dtype(), dtype);
      const auto w = named(norm, "weight").to_vector<double>(), b = named(norm, "bias").to_vector<double>(),
                 m = mean.to_vector<double>(), v = variance.to_vector<double>();
      std::vector<double> expected = x.to_vector<double>();
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const std::size_t c = i % 5;
        expected[i] = (expected[i] - m[c]) / std::sqrt(v[c] + 0.1) * w[c] + b[c];
        if (relu) expected[i] = std::max(0.0, expected[i]);
      }
      const double tolerance = dtype == DType::f64 ? 1e-14 : dtype == DType::f32 ? 1e-6 : 1e-2;
      EXPECT_TRUE(test::close(y, Tensor::from(expected, x.shape()), tolerance, tolerance));
      EXPECT_TRUE(test::same_bits(named(norm, "running_mean"), mean));
      EXPECT_TRUE(test::same_bits(named(norm, "running_variance"), variance));
    }
}

TEST(BatchNormLayer, GradientsMatchFiniteDifferences) {
  for (const bool training : {true, false}) {
    BatchNorm norm(3);
    stir(norm, DType::f64);
    norm.forward(random_tensor({2, 2, 2, 3}, DType::f64, 1, -1, 3), kTraining);
    EXPECT_TRUE(test::gradients_match(
        [&](const Tensors& x) { return Tensors{norm.forward(x[0], {.training = training})}; },
        {random_tensor({2, 2, 2, 3}, DType::f64, 2), named(norm, "weight"), named(norm, "bias")}));
    EXPECT_FALSE(autograd::requires_grad(named(norm, "running_mean")));
    EXPECT_FALSE(autograd::requires_grad(named(norm, "running_variance")));
  }
}

TEST(BatchNormLayer, OneValueOfAChannelLeavesNumbers) {
  const BatchNorm norm(2, {.momentum = 0.5});
  norm.forward(Tensor::from(std::vector<float>{3, -1}, {1, 2}), kTraining);
  EXPECT_EQ(named(norm, "running_mean").to_vector<double>(), (std::vector<double>{1.5, -0.5}));
  EXPECT_EQ(named(norm, "running_variance").to_vector<double>(), (std::vector<double>{0.5, 0.5}));
}

TEST(BatchNormLayer, ListsParametersAndBuffers) {
  const BatchNorm norm(4);
  const auto parameters = norm.parameters();
  ASSERT_EQ(parameters.size(), 4u);
  const char* const names[] = {"weight", "bias", "running_mean", "running_variance"};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(parameters[i].name, names[i]);
    EXPECT_EQ(parameters[i].trainable, i < 2);
    EXPECT_FALSE(parameters[i].decay);
    EXPECT_TRUE(test::same_bits(parameters[i].tensor, Tensor::full({4}, i == 0 || i == 3 ? 1 : 0)));
  }
  EXPECT_EQ(norm.parameter_count(), 8);
}

TEST(BatchNormLayer, NamesWhatDoesNotFit) {
  const auto make = [](std::int64_t channels, double momentum) {
    const BatchNorm norm(channels, {.momentum = momentum});
  };
  EXPECT_ERROR(make(0, 0.1), "a batch norm of 0 channels");
  EXPECT_ERROR(make(4, -0.1), "momentum -0.1");
  EXPECT_ERROR(make(4, 1.5), "momentum 1.5");
  EXPECT_ERROR(make(4, std::numeric_limits<double>::quiet_NaN()), "momentum nan");
  const BatchNorm norm(4);
  for (const bool training : {true, false}) {
    const nn::Run run{.training = training};
    EXPECT_ERROR(norm.forward(Tensor::zeros({2, 3}), run), "weight and bias f32 [3] needed");
    EXPECT_ERROR(norm.forward(Tensor::zeros({4}), run), "[..., channels] with values needed");
    EXPECT_ERROR(norm.forward(Tensor::zeros({2, 4}, DType::f64), run), "weight and bias f64 [4] needed");
  }
  EXPECT_TRUE(test::same_bits(named(norm, "running_mean"), Tensor::zeros({4})));
}

}  // namespace
}  // namespace attend
