#include "attend/op/group_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/op/cast.h"
#include "attend/op/norm.h"
#include "attend/op/operators.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/in_precision.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_bf16_values;
using test::random_tensor;

test::Function with_groups(std::int64_t groups) {
  return [groups](const Tensors& x) { return Tensors{op::group_norm(x[0], x[1], x[2], groups)}; };
}

TEST(GroupNorm, EqualsPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    EXPECT_TRUE(
        test::golden_matches("image_operations.safetensors", "group_norm",
                             [](const Tensors& x) {
                               const DType parameters = x[0].dtype() == DType::f64 ? DType::f64 : DType::f32;
                               Tensors outputs;
                               for (const std::int64_t groups : {1, 3, 6})
                                 outputs.push_back(op::group_norm(x[0], op::cast(x[1], parameters),
                                                                  op::cast(x[2], parameters), groups, 1e-3));
                               return outputs;
                             },
                             // Gradients of three results are added up in bf16.
                             {.dtype = dtype,
                              .relative = dtype == DType::f32 ? 2e-5 : -1.0,
                              .absolute = dtype == DType::bf16 ? 8e-2 : -1.0}));
}

TEST(GroupNorm, GradientsMatchFiniteDifferences) {
  const Tensor w = random_tensor({6}, DType::f64, 2), b = random_tensor({6}, DType::f64, 3);
  for (const std::int64_t size : {1, 3})
    for (const std::int64_t groups : {1, 2, 6}) {
      const Tensor x = random_tensor({2, size, 2, 6}, DType::f64, 1);
      EXPECT_TRUE(test::gradients_match(with_groups(groups), {x, w, b}));
      EXPECT_TRUE(test::gradients_match(
          [&](const Tensors& in) { return Tensors{op::group_norm(in[0], {}, {}, groups)}; }, {x}));
      EXPECT_TRUE(test::gradients_match(
          [&](const Tensors& in) { return Tensors{op::group_norm(in[0], {}, in[1], groups)}; }, {x, b}));
    }
}

// The definition: the layer norm of rows that hold one group each.
Tensor of_rows(const Tensors& x, std::int64_t groups) {
  const Tensor& image = x[0];
  const std::int64_t batch = image.dim(0), pixels = image.dim(1) * image.dim(2),
                     width = image.dim(3) / groups;
  const Tensor split = op::permute(op::reshape(image, {batch, pixels, groups, width}), {0, 2, 1, 3});
  const Tensor rows = op::layer_norm(op::reshape(split, {batch * groups, pixels * width}));
  const Tensor back = op::permute(op::reshape(rows, {batch, groups, pixels, width}), {0, 2, 1, 3});
  return op::reshape(back, image.shape()) * x[1] + x[2];
}

TEST(GroupNorm, FollowsTheDefinition) {
  struct Case {
    std::int64_t height, width, channels, groups;
  };
  for (const Case& c : {Case{1, 1, 65, 1}, Case{7, 5, 33, 3}, Case{30, 20, 70, 7}, Case{90, 70, 6, 3}}) {
    const Tensors inputs = {random_tensor({2, c.height, c.width, c.channels}, DType::f64, 1),
                            random_tensor({c.channels}, DType::f64, 2),
                            random_tensor({c.channels}, DType::f64, 3)};
    for (const Tensor& input : inputs) autograd::set_requires_grad(input);
    const Tensor y = op::group_norm(inputs[0], inputs[1], inputs[2], c.groups),
                 expected = of_rows(inputs, c.groups), dy = random_tensor(y.shape(), DType::f64, 4);
    EXPECT_TRUE(test::close(y, expected, 1e-11, 1e-11));
    const Tensors got = autograd::gradients({y}, inputs, {dy}),
                  gradients = autograd::gradients({expected}, inputs, {dy});
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_TRUE(test::close(got[i], gradients[i], 1e-10, 1e-10))
          << "gradient " << i << ", " << c.height << " x " << c.width << " x " << c.channels;
  }
}

TEST(GroupNorm, SinglePrecisionAndBf16FollowDoubleAtEverySize) {
  struct Case {
    std::int64_t height, width, channels, groups;
  };
  for (const Case& c : {Case{1, 1, 33, 3}, Case{7, 5, 3, 1}, Case{7, 5, 3, 3}, Case{5, 3, 65, 13},
                        Case{65, 65, 2, 2}, Case{80, 70, 6, 3}}) {
    const Tensors inputs = {random_bf16_values({2, c.height, c.width, c.channels}, 1, -1, 2),
                            random_bf16_values({c.channels}, 2), random_bf16_values({c.channels}, 3)};
    const auto run = [&](DType dtype, DType parameters) {
      return test::run_in({dtype, parameters, parameters}, with_groups(c.groups), inputs);
    };
    const Tensors exact = run(DType::f64, DType::f64), single = run(DType::f32, DType::f32),
                  half = run(DType::bf16, DType::f32);
    EXPECT_EQ(half[2].dtype(), DType::f32);
    // The gradients of the parameters are sums over all pixels.
    const double many = std::sqrt(static_cast<double>(c.height * c.width));
    for (std::size_t i = 0; i < exact.size(); ++i) {
      const double absolute = i < 2 ? 1 : many;
      EXPECT_TRUE(test::close(single[i], exact[i], 2e-5, 2e-5 * absolute))
          << "result " << i << ", " << c.height << " x " << c.width << " x " << c.channels;
      EXPECT_TRUE(test::close(half[i], exact[i], 2e-2, 2e-2 * absolute))
          << "result " << i << ", " << c.height << " x " << c.width << " x " << c.channels;
    }
  }
}

TEST(GroupNorm, AMeanFarFromZeroCostsNoAccuracy) {
  // 4096 + small differences, which f32 holds exactly.
  std::vector<float> single;
  for (int i = 0; i < 30 * 30 * 4; ++i) single.push_back(4096 + static_cast<float>(i * 37 % 101) / 16);
  const Shape shape = {1, 30, 30, 4};
  const std::vector<double> values(single.begin(), single.end());
  EXPECT_TRUE(test::close(op::group_norm(Tensor::from(single, shape), {}, {}, 2),
                          op::group_norm(Tensor::from(values, shape), {}, {}, 2), 1e-5, 1e-5));
}

TEST(GroupNorm, ConstantImagesStayFiniteAndANaNInItsGroup) {
  const Tensor same = Tensor::full({2, 5, 5, 4}, 1e15);
  autograd::set_requires_grad(same);
  const Tensor y = op::group_norm(same, {}, {}, 2);
  const Tensor dx = autograd::gradients({y}, {same}, {random_tensor({2, 5, 5, 4}, DType::f32, 1)})[0];
  for (const Tensor& result : {y, dx})
    for (const double v : result.to_vector<double>()) EXPECT_TRUE(std::isfinite(v));
  const Tensor x = random_tensor({2, 3, 3, 4}, DType::f32, 1);
  x.data<float>()[9 * 4 + 4 * 2 + 3] = std::nanf("");
  const auto values = op::group_norm(x, {}, {}, 2).to_vector<double>();
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(std::isnan(values[i]), i >= 36 && i % 4 >= 2) << i;
}

TEST(GroupNorm, SameBitsForAnyNumberOfThreads) {
  for (const DType dtype : {DType::f32, DType::bf16})
    EXPECT_TRUE(
        test::same_bits_for_threads([](const Tensors& x) { return Tensors{op::group_norm(x[0], {}, {}, 5)}; },
                                    {random_tensor({2, 40, 30, 65}, dtype, 1)}));
  EXPECT_TRUE(test::same_bits_for_threads(
      with_groups(5), {random_tensor({2, 40, 30, 65}, DType::f32, 1), random_tensor({65}, DType::f32, 2),
                       random_tensor({65}, DType::f32, 3)}));
}

TEST(GroupNorm, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({1, 2, 2, 6});
  EXPECT_ERROR(op::group_norm(Tensor::zeros({1, 2, 2, 6}, DType::i32), {}, {}, 2), "group_norm of i32");
  EXPECT_ERROR(op::group_norm(Tensor::zeros({2, 6}), {}, {}, 2), "[batch, height, width, channels] needed");
  EXPECT_ERROR(op::group_norm(x, Tensor::zeros({3}), {}, 2), "weight or bias f32 [3] given, f32 [6] needed");
  EXPECT_ERROR(op::group_norm(x, {}, Tensor::zeros({6}, DType::bf16), 2), "f32 [6] needed");
  EXPECT_ERROR(op::group_norm(x, {}, {}, 4), "4 groups given, a divisor of 6 channels needed");
  EXPECT_ERROR(op::group_norm(x, {}, {}, 0), "0 groups given");
  EXPECT_ERROR(op::group_norm(x, {}, {}, 2, -1), "epsilon -1 given");
}

}  // namespace
}  // namespace attend
