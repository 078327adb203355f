#include "attend/op/convolution.h"

#include <gtest/gtest.h>

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

struct Case {
  const char* name;
  Shape x, weight;
  op::ConvolutionOptions options = {};
};

// The names are also those of the golden cases.
std::vector<Case> cases() {
  return {
      {"point", {2, 4, 3, 5}, {7, 5, 1, 1}},
      {"same", {2, 5, 4, 3}, {4, 3, 3, 3}, {.padding = 1}},
      {"strided", {1, 7, 6, 2}, {3, 2, 3, 2}, {.stride = {2, 3}, .padding = {1, 0}}},
      {"dilated", {2, 7, 8, 3}, {2, 3, 3, 3}, {.padding = {2, 1}, .dilation = {2, 3}}},
      {"grouped", {2, 4, 4, 6}, {4, 3, 3, 3}, {.padding = 1, .groups = 2}},
      {"depthwise", {1, 5, 5, 4}, {4, 1, 3, 3}, {.stride = 2, .padding = 1, .groups = 4}},
      {"whole", {3, 4, 4, 2}, {5, 2, 4, 4}},
  };
}

Tensors inputs_of(const Case& c) {
  return {random_tensor(c.x, DType::f64, 1), random_tensor(c.weight, DType::f64, 2),
          random_tensor({c.weight[0]}, DType::f64, 3)};
}

Tensors inputs_of_transposed(const Case& c) {
  Shape x = c.x;
  x.set(3, c.weight[0]);
  return {random_tensor(x, DType::f64, 1), random_tensor(c.weight, DType::f64, 2),
          random_tensor({c.weight[1] * c.options.groups}, DType::f64, 3)};
}

// Biases are f32 beside bf16.
Tensor bias_beside(const Tensor& x, const Tensor& bias) {
  return op::cast(bias, x.dtype() == DType::f64 ? DType::f64 : DType::f32);
}

auto convolution_of(const Case& c) {
  return [options = c.options](const Tensors& x) {
    return Tensors{op::convolution(x[0], x[1], bias_beside(x[0], x[2]), options)};
  };
}

auto transposed_convolution_of(const Case& c) {
  const op::TransposedConvolutionOptions options{
      .stride = c.options.stride,
      .padding = c.options.padding,
      .output_padding = {c.options.stride.height - 1, c.options.stride.width / 2},
      .dilation = c.options.dilation,
      .groups = c.options.groups};
  return [options](const Tensors& x) {
    return Tensors{op::transposed_convolution(x[0], x[1], bias_beside(x[0], x[2]), options)};
  };
}

TEST(Convolution, GradientsMatchFiniteDifferences) {
  for (const Case& c : cases()) {
    EXPECT_TRUE(test::gradients_match(convolution_of(c), inputs_of(c))) << c.name;
    EXPECT_TRUE(test::gradients_match(transposed_convolution_of(c), inputs_of_transposed(c)))
        << "transposed " << c.name;
  }
}

TEST(Convolution, AgreesWithPyTorch) {
  for (const Case& c : cases())
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
      EXPECT_TRUE(
          test::golden_matches("convolution.safetensors", c.name, convolution_of(c), {.dtype = dtype}))
          << c.name << ", " << name_of(dtype);
      EXPECT_TRUE(test::golden_matches("convolution.safetensors", std::string("transposed_") + c.name,
                                       transposed_convolution_of(c), {.dtype = dtype}))
          << "transposed " << c.name << ", " << name_of(dtype);
    }
}

std::vector<Case> awkward_cases() {
  return {
      {"one pixel", {1, 1, 1, 1}, {1, 1, 1, 1}},
      {"grey", {3, 28, 28, 1}, {16, 1, 3, 3}, {.padding = 1}},
      {"colour", {2, 9, 7, 3}, {33, 3, 3, 3}, {.stride = 2, .padding = 1}},
      {"odd channels", {2, 7, 7, 31}, {65, 31, 3, 3}, {.padding = 1}},
      {"patches", {5, 8, 8, 3}, {48, 3, 4, 4}, {.stride = 4}},
      {"many pictures", {33, 6, 5, 16}, {16, 16, 3, 3}, {.padding = 1}},
      {"wide depthwise", {2, 9, 9, 40}, {40, 1, 5, 5}, {.padding = 2, .groups = 40}},
      {"wide groups", {2, 6, 6, 32}, {64, 16, 3, 3}, {.padding = 1, .groups = 2}},
      {"point", {4, 7, 7, 64}, {32, 64, 1, 1}},
      {"point with stride", {2, 7, 7, 32}, {64, 32, 1, 1}, {.stride = 2}},
  };
}

TEST(Convolution, SinglePrecisionAndBf16FollowTheDefinition) {
  for (const Case& c : awkward_cases()) {
    EXPECT_TRUE(test::follows_double_precision(convolution_of(c), inputs_of(c), 2e-5)) << c.name;
    EXPECT_TRUE(test::follows_double_precision(transposed_convolution_of(c), inputs_of_transposed(c), 2e-5))
        << "transposed " << c.name;
  }
}

TEST(Convolution, SameBitsForAnyNumberOfThreads) {
  for (const Case& c : awkward_cases())
    for (const DType dtype : {DType::f32, DType::bf16}) {
      const Tensors inputs = {random_tensor(c.x, dtype, 1), random_tensor(c.weight, DType::f32, 2),
                              random_tensor({c.weight[0]}, DType::f32, 3)};
      EXPECT_TRUE(test::same_bits_for_threads(convolution_of(c), inputs)) << c.name << ", " << name_of(dtype);
    }
}

TEST(Convolution, MasterWeightsGetTheirGradientInSinglePrecision) {
  const Tensor x = random_tensor({2, 5, 5, 8}, DType::bf16, 1),
               weight = random_tensor({4, 8, 3, 3}, DType::f32, 2);
  autograd::set_requires_grad(weight);
  const Tensor y = op::convolution(x, weight);
  EXPECT_EQ(y.dtype(), DType::bf16);
  autograd::backward(y, random_tensor(y.shape(), DType::bf16, 3));
  EXPECT_EQ(autograd::grad(weight).dtype(), DType::f32);
}

TEST(Convolution, TakesViewsAndGradientsThatAreNotDense) {
  const Tensor x = random_tensor({1, 3, 4, 5}, DType::f32, 1),
               weight = random_tensor({2, 3, 3, 3}, DType::f32, 2);
  const Tensor view = x.view_as({1, 4, 5, 3}, {60, 5, 1, 20});
  EXPECT_TRUE(test::same_bits(op::convolution(view, weight), op::convolution(view.clone(), weight)));
}

TEST(Convolution, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({1, 4, 4, 6}), weight = Tensor::zeros({4, 6, 3, 3});
  EXPECT_ERROR(op::convolution(Tensor::zeros({4, 4, 6}), weight), "x [batch, height, width, channels]");
  EXPECT_ERROR(op::convolution(x, Tensor::zeros({4, 5, 3, 3})), "[out, 6, height, width]");
  EXPECT_ERROR(op::convolution(x, weight, {}, {.groups = 4}), "4 groups do not divide 6 and 4 channels");
  EXPECT_ERROR(op::convolution(x, weight, {}, {.stride = 0}), "stride and dilation of at least 1");
  EXPECT_ERROR(op::convolution(x, weight, Tensor::zeros({3})), "bias f32 [4] needed");
  EXPECT_ERROR(op::convolution(x, Tensor::zeros({4, 6, 5, 3})), "the kernel is larger than the padded maps");
  EXPECT_ERROR(op::convolution(Tensor::zeros({1, 4, 4, 6}, DType::i32), weight), "one floating dtype");
  EXPECT_ERROR(op::convolution(Tensor::zeros({0, 4, 4, 6}), weight), "none of size 0");
  EXPECT_ERROR(op::transposed_convolution(x, weight), "a weight for 6 channels is [6, out / groups");
  EXPECT_ERROR(op::transposed_convolution(x, Tensor::zeros({6, 2, 3, 3}), {}, {.output_padding = 1}),
               "output padding");
  EXPECT_ERROR(op::transposed_convolution(x, Tensor::zeros({6, 2, 3, 3}), {}, {.padding = 4}),
               "takes all of the result away");
}

}  // namespace
}  // namespace attend
