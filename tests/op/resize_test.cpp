#include "attend/op/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attend/op/grid_sample.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using op::Interpolation;
using op::ResizeOptions;
using test::random_tensor;

constexpr ResizeOptions kOptions[] = {{.mode = Interpolation::nearest},
                                      {.mode = Interpolation::bilinear},
                                      {.mode = Interpolation::bilinear, .align_corners = true}};

struct Size {
  std::int64_t height, width;
};
constexpr Size kGoldenSizes[] = {{7, 3}, {2, 8}, {1, 1}};

TEST(Resize, EqualsPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    // Gradients of several results are added up in bf16.
    const test::GoldenCheck check{.dtype = dtype, .absolute = dtype == DType::bf16 ? 8e-2 : -1.0};
    const auto sizes = [](const Tensor& x, const ResizeOptions& options, Tensors& outputs) {
      for (const Size& size : kGoldenSizes)
        outputs.push_back(op::resize(x, size.height, size.width, options));
    };
    EXPECT_TRUE(test::golden_matches(
        "image_operations.safetensors", "resize_nearest",
        [&](const Tensors& x) {
          Tensors outputs;
          sizes(x[0], kOptions[0], outputs);
          return outputs;
        },
        check));
    EXPECT_TRUE(test::golden_matches(
        "image_operations.safetensors", "resize_bilinear",
        [&](const Tensors& x) {
          Tensors outputs;
          sizes(x[0], kOptions[1], outputs);
          sizes(x[0], kOptions[2], outputs);
          return outputs;
        },
        check));
  }
}

TEST(Resize, GradientsMatchFiniteDifferences) {
  // One pixel, and more channels than one thread owns.
  for (const Shape& shape : {Shape{2, 1, 1, 3}, Shape{2, 4, 3, 3}, Shape{1, 2, 1, 66}})
    for (const ResizeOptions& options : kOptions)
      for (const Size& to : {Size{1, 1}, Size{5, 7}, Size{2, 1}})
        EXPECT_TRUE(test::gradients_match(
            [&](const Tensors& x) { return Tensors{op::resize(x[0], to.height, to.width, options)}; },
            {random_tensor(shape, DType::f64, 1)}))
            << shape.text() << " to " << to.height << " x " << to.width;
}

TEST(Resize, SinglePrecisionAndBf16FollowDoubleAtEverySize) {
  for (const ResizeOptions& options : kOptions)
    for (const std::int64_t channels : {1, 3, 33, 65})
      for (const Size& from : {Size{1, 1}, Size{7, 5}})
        EXPECT_TRUE(test::follows_double_precision(
            [&](const Tensors& x) { return Tensors{op::resize(x[0], 4, 9, options)}; },
            {random_tensor({2, from.height, from.width, channels}, DType::f64, 2)}))
            << from.height << " x " << from.width << " x " << channels;
}

TEST(Resize, TheSameSizeIsTheSameBitsAndInfinityStaysInItsPixel) {
  const Tensor x = random_tensor({2, 7, 6, 5}, DType::f32, 1);
  x.data<float>()[100] = std::numeric_limits<float>::infinity();
  for (const ResizeOptions& options : kOptions) EXPECT_TRUE(test::same_bits(op::resize(x, 7, 6, options), x));
}

TEST(Resize, ReadsWhatAGridOfTheSamePlacesReads) {
  const Tensor identity = Tensor::from(std::vector<double>{1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0}, {2, 2, 3}),
               x = random_tensor({2, 9, 7, 5}, DType::f64, 1),
               dy = random_tensor({2, 31, 40, 5}, DType::f64, 2);
  autograd::set_requires_grad(x);
  for (const bool align_corners : {false, true}) {
    const Tensor resized = op::resize(x, 31, 40, {.align_corners = align_corners}),
                 sampled =
                     op::grid_sample(x, op::affine_grid(identity, 31, 40, align_corners),
                                     {.padding = op::GridPadding::border, .align_corners = align_corners});
    EXPECT_TRUE(test::close(resized, sampled, 1e-12, 1e-12));
    EXPECT_TRUE(test::close(autograd::gradients({resized}, {x}, {dy})[0],
                            autograd::gradients({sampled}, {x}, {dy})[0], 1e-12, 1e-12));
  }
}

TEST(Resize, SameBitsForAnyNumberOfThreads) {
  for (const DType dtype : {DType::f32, DType::bf16})
    EXPECT_TRUE(
        test::same_bits_for_threads([](const Tensors& x) { return Tensors{op::resize(x[0], 31, 20)}; },
                                    {random_tensor({2, 9, 7, 150}, dtype, 1)}));
}

TEST(Resize, NamesWhatDoesNotFit) {
  EXPECT_ERROR(op::resize(Tensor::zeros({1, 2, 3, 4}, DType::u8), 2, 2), "resize of u8");
  EXPECT_ERROR(op::resize(Tensor::zeros({2, 3, 4}), 2, 2), "[batch, height, width, channels] needed");
  EXPECT_ERROR(op::resize(Tensor::zeros({1, 2, 3, 4}), 0, 2), "to 0 x 2: sizes from 1 to 2^31 - 1 needed");
  EXPECT_ERROR(op::resize(Tensor::zeros({1, 2, 3, 4}), 2, -1), "to 2 x -1");
  EXPECT_ERROR(op::resize(Tensor::zeros({1, 2, 3, 4}), 2, std::int64_t{1} << 31), "sizes from 1");
  EXPECT_ERROR(op::resize(Tensor::zeros({1, 2, 3, 4}), 2000000000, 2000000000), "");
  EXPECT_ERROR(
      op::resize(Tensor::zeros({1, 2, 3, 4}), 2, 2, {.mode = Interpolation::nearest, .align_corners = true}),
      "align_corners needs bilinear");
}

}  // namespace
}  // namespace attend
