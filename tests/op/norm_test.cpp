#include "attend/op/norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/base/parallel.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/in_precision.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_bf16_values;
using test::random_tensor;

Tensors layer(const Tensors& x) {
  return {op::layer_norm(x[0], x[1], x[2])};
}
Tensors rms(const Tensors& x) {
  return {op::rms_norm(x[0], x[1])};
}
Tensors add_layer(const Tensors& x) {
  const auto [sum, normalised] = op::add_layer_norm(x[0], x[1], x[2], x[3]);
  return {sum, normalised};
}
Tensors add_rms(const Tensors& x) {
  const auto [sum, normalised] = op::add_rms_norm(x[0], x[1], x[2]);
  return {sum, normalised};
}

Tensor definition(const Tensor& x, const Tensor& weight, const Tensor& bias, bool centred, double epsilon) {
  const std::int64_t columns = x.dim(-1);
  auto values = x.to_vector<double>();
  const auto w = weight.to_vector<double>();
  const auto b = bias.defined() ? bias.to_vector<double>() : std::vector<double>(w.size());
  const auto n = static_cast<std::size_t>(columns);
  for (std::size_t r = 0; r < values.size(); r += n) {
    double mean = 0, square = 0;
    for (std::size_t c = 0; c < n && centred; ++c) mean += values[r + c] / static_cast<double>(n);
    for (std::size_t c = 0; c < n; ++c) square += std::pow(values[r + c] - mean, 2) / static_cast<double>(n);
    for (std::size_t c = 0; c < n; ++c)
      values[r + c] = (values[r + c] - mean) / std::sqrt(square + epsilon) * w[c] + b[c];
  }
  return Tensor::from(values, x.shape());
}

TEST(Norm, FollowsTheDefinition) {
  for (const std::int64_t width : {1, 3, 63, 64, 65, 384, 1000}) {
    const Tensor x = random_tensor({5, width}, DType::f64, 1, -1, 3),
                 w = random_tensor({width}, DType::f64, 2), b = random_tensor({width}, DType::f64, 3),
                 r = random_tensor({5, width}, DType::f64, 4);
    EXPECT_TRUE(test::close(op::layer_norm(x, w, b, 1e-3), definition(x, w, b, true, 1e-3), 1e-12, 1e-12));
    EXPECT_TRUE(test::close(op::rms_norm(x, w, 1e-3), definition(x, w, {}, false, 1e-3), 1e-12, 1e-12));
    auto sum = x.to_vector<double>();
    const auto residual = r.to_vector<double>();
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += residual[i];
    const Tensor s = Tensor::from(sum, x.shape());
    const auto both = op::add_layer_norm(x, r, w, b, 1e-3);
    EXPECT_TRUE(test::same_bits(both.sum, s));
    EXPECT_TRUE(test::close(both.normalised, definition(s, w, b, true, 1e-3), 1e-12, 1e-12));
    EXPECT_TRUE(test::close(op::add_rms_norm(x, r, w, 1e-3).normalised, definition(s, w, {}, false, 1e-3),
                            1e-12, 1e-12));
  }
}

TEST(Norm, GradientsMatchFiniteDifferences) {
  // One row alone, and 9: two blocks of four and one that is left.
  for (const std::int64_t rows : {1, 9})
    for (const std::int64_t width : {1, 5, 17}) {
      const Tensor x = random_tensor({rows, width}, DType::f64, 1),
                   r = random_tensor({rows, width}, DType::f64, 2), w = random_tensor({width}, DType::f64, 3),
                   b = random_tensor({width}, DType::f64, 4);
      EXPECT_TRUE(test::gradients_match(layer, {x, w, b}));
      EXPECT_TRUE(test::gradients_match(rms, {x, w}));
      EXPECT_TRUE(test::gradients_match(add_layer, {x, r, w, b}));
      EXPECT_TRUE(test::gradients_match(add_rms, {x, r, w}));
      EXPECT_TRUE(
          test::gradients_match([](const Tensors& in) { return Tensors{op::layer_norm(in[0])}; }, {x}));
      EXPECT_TRUE(test::gradients_match([](const Tensors& in) { return Tensors{op::rms_norm(in[0])}; }, {x}));
      EXPECT_TRUE(test::gradients_match(
          [](const Tensors& in) { return Tensors{op::layer_norm(in[0], {}, in[1])}; }, {x, b}));
    }
}

TEST(Norm, EqualsPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32}) {
    for (const char* width : {"1", "7", "64", "65"}) {
      const test::GoldenCheck check{.dtype = dtype, .relative = dtype == DType::f32 ? 2e-5 : -1.0};
      EXPECT_TRUE(test::golden_matches("nn_operations.safetensors", std::string("layer_norm_") + width, layer,
                                       check));
      EXPECT_TRUE(
          test::golden_matches("nn_operations.safetensors", std::string("rms_norm_") + width, rms, check));
    }
    EXPECT_TRUE(
        test::golden_matches("nn_operations.safetensors", "add_layer_norm", add_layer, {.dtype = dtype}));
    EXPECT_TRUE(test::golden_matches("nn_operations.safetensors", "add_rms_norm", add_rms, {.dtype = dtype}));
  }
}

TEST(Norm, SinglePrecisionAndBf16FollowDoubleAtEverySize) {
  for (const std::int64_t width : {1, 3, 63, 64, 65, 384, 1000})
    for (const bool centred : {true, false}) {
      if (width == 1 && centred) continue;  // the result is the bias, the gradient of x is 0 / sqrt(epsilon)
      const Tensors inputs = {random_bf16_values({70, width}, 1), random_bf16_values({70, width}, 2),
                              random_bf16_values({width}, 3), random_bf16_values({width}, 4)};
      const test::Function function = centred ? add_layer : add_rms;
      const auto run = [&](DType dtype, DType parameters) {
        const std::size_t count = centred ? 4 : 3;
        std::vector<DType> dtypes = {dtype, dtype, parameters, parameters};
        dtypes.resize(count);
        return test::run_in(dtypes, function,
                            {inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(count)});
      };
      const Tensors exact = run(DType::f64, DType::f64), single = run(DType::f32, DType::f32),
                    half = run(DType::bf16, DType::f32);
      EXPECT_EQ(half[4].dtype(), DType::f32);
      // A narrow row may have a small variance, and dividing by it makes errors larger.
      const double wide = width < 64 ? 10 : 1;
      for (std::size_t i = 0; i < exact.size(); ++i) {
        EXPECT_TRUE(test::close(single[i], exact[i], 1e-5 * wide, 1e-5 * wide))
            << "result " << i << ", " << width;
        EXPECT_TRUE(test::close(half[i], exact[i], 2e-2 * wide, (i < 4 ? 4e-2 : 2e-1) * wide))
            << "result " << i << ", " << width;
      }
    }
}

TEST(Norm, ComputesEveryPartOfALargeTensor) {
  const Tensor w = random_tensor({500}, DType::f32, 1), b = random_tensor({500}, DType::f32, 2);
  const Tensors inputs = {random_tensor({130, 500}, DType::f32, 3), random_tensor({130, 500}, DType::f32, 4)};
  for (const bool centred : {true, false})
    EXPECT_TRUE(test::same_in_pieces(
        [&](const Tensors& x) {
          const auto both = centred ? op::add_layer_norm(x[0], x[1], w, b) : op::add_rms_norm(x[0], x[1], w);
          return Tensors{both.sum, both.normalised, op::layer_norm(x[1], w, b)};
        },
        inputs, 9));
  // The gradients of the parameters are the sums of those of the parts.
  const auto parameters = [&](std::int64_t begin, std::int64_t end) {
    const Tensor x = inputs[0].view_as({end - begin, 500}, {500, 1}, begin * 500),
                 dy = inputs[1].view_as({end - begin, 500}, {500, 1}, begin * 500);
    autograd::set_requires_grad(w);
    autograd::set_requires_grad(b);
    return autograd::gradients({op::layer_norm(x, w, b)}, {w, b}, {dy});
  };
  const Tensors whole = parameters(0, 130);
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<double> sum(500);
    for (std::int64_t begin = 0; begin < 130; begin += 10) {
      const auto part = parameters(begin, begin + 10)[i].to_vector<double>();
      for (std::size_t c = 0; c < 500; ++c) sum[c] += part[c];
    }
    EXPECT_TRUE(test::close(whole[i], Tensor::from(sum, {500}), 1e-5, 1e-5));
  }
}

TEST(Norm, UnusedOutputsAndInputsNeedNoGradient) {
  const Tensor x = random_tensor({3, 8}, DType::f32, 1), r = random_tensor({3, 8}, DType::f32, 2),
               w = random_tensor({8}, DType::f32, 3), dy = random_tensor({3, 8}, DType::f32, 4);
  autograd::set_requires_grad(x);
  autograd::set_requires_grad(w);
  const auto first = op::add_layer_norm(x, r, w);
  EXPECT_TRUE(test::same_bits(autograd::gradients({first.sum}, {x}, {dy})[0], dy));
  EXPECT_FALSE(autograd::gradients({op::add_layer_norm(x, r, w).sum}, {w}, {dy})[0].defined());
  const Tensor alone = autograd::gradients({op::add_layer_norm(x, r, w).normalised}, {x}, {dy})[0];
  const Tensor sum = first.sum.detach();
  autograd::set_requires_grad(sum);
  EXPECT_TRUE(test::same_bits(alone, autograd::gradients({op::layer_norm(sum, w)}, {sum}, {dy})[0]));
}

TEST(Norm, ConstantRowsAndLargeNumbersStayFinite) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const double value : {0.0, 1.0, 1e4, 1e15}) {
      const Tensor x = Tensor::full({4, 384}, value, dtype);
      autograd::set_requires_grad(x);
      for (const Tensor& y : {op::layer_norm(x), op::rms_norm(x)}) {
        const Tensor dx = autograd::gradients({y}, {x}, {random_tensor({4, 384}, dtype, 3)})[0];
        for (const double v : y.to_vector<double>()) EXPECT_TRUE(std::isfinite(v)) << value;
        for (const double v : dx.to_vector<double>()) EXPECT_TRUE(std::isfinite(v)) << value;
      }
    }
}

TEST(Norm, ANaNStaysInItsRow) {
  const Tensor x = random_tensor({3, 20}, DType::f32, 1);
  x.data<float>()[25] = std::nanf("");
  const auto y = op::layer_norm(x).to_vector<double>();
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(std::isnan(y[i]), i / 20 == 1) << i;
}

TEST(Norm, AMeanFarFromZeroCostsNoAccuracy) {
  // 4096 + small differences, which f32 holds exactly; the mean itself is rounded to 2^-12.
  std::vector<double> values;
  for (int i = 0; i < 384; ++i) values.push_back(4096 + (i * 37 % 101) / 16.0);
  const Tensor x = Tensor::from(values, {1, 384}), ones = Tensor::full({384}, 1, DType::f64);
  const Tensor exact = definition(x, ones, {}, true, 1e-5);
  const std::vector<float> single(values.begin(), values.end());
  EXPECT_TRUE(test::close(op::layer_norm(Tensor::from(single, {1, 384})), exact, 1e-4, 5e-4));
}

TEST(Norm, SameBitsForAnyNumberOfThreads) {
  const int before = threads();
  std::vector<Tensors> results;
  for (const int count : {1, 2}) {
    set_threads(count);
    results.push_back(test::run_in({DType::bf16, DType::bf16, DType::f32, DType::f32}, add_layer,
                                   {random_bf16_values({301, 130}, 1), random_bf16_values({301, 130}, 2),
                                    random_bf16_values({130}, 3), random_bf16_values({130}, 4)}));
  }
  for (std::size_t i = 0; i < results[0].size(); ++i)
    EXPECT_TRUE(test::same_bits(results[0][i], results[1][i])) << i;
  set_threads(before);
}

TEST(Norm, NamesWhatDoesNotFit) {
  EXPECT_ERROR(op::layer_norm(Tensor::zeros({2, 3}, DType::i32)),
               "layer_norm of x i32 [2, 3]: x in f32, bf16 or f64");
  EXPECT_ERROR(op::layer_norm(Tensor::zeros({2, 3}), Tensor::zeros({4})),
               "weight f32 [4]: weight and bias f32 [3] needed");
  EXPECT_ERROR(op::rms_norm(Tensor::zeros({2, 3}, DType::bf16), Tensor::zeros({3}, DType::bf16)),
               "f32 [3] needed");
  EXPECT_ERROR(op::layer_norm(Tensor::zeros({2, 3}), {}, {}, -1), "epsilon -1 given");
  EXPECT_ERROR(op::add_rms_norm(Tensor::zeros({2, 3}), Tensor::zeros({3, 2})),
               "add_rms_norm of x f32 [2, 3], residual");
  EXPECT_ERROR(op::layer_norm(Tensor::zeros({})), "[..., d]");
}

}  // namespace
}  // namespace attend
