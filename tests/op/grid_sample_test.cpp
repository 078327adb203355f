#include "attend/op/grid_sample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using op::GridPadding;
using op::GridSampleOptions;
using op::Interpolation;
using test::random_tensor;

constexpr GridPadding kPaddings[] = {GridPadding::zeros, GridPadding::border, GridPadding::reflection};
constexpr const char* kFile = "image_operations.safetensors";

std::vector<GridSampleOptions> all_options(Interpolation mode) {
  std::vector<GridSampleOptions> all;
  for (const GridPadding padding : kPaddings)
    for (const bool align_corners : {false, true})
      all.push_back({.mode = mode, .padding = padding, .align_corners = align_corners});
  return all;
}

/// The grid in the dtype that it has beside x.
Tensor sampled(const Tensors& x, const GridSampleOptions& options) {
  return op::grid_sample(x[0], op::cast(x[1], x[0].dtype() == DType::f64 ? DType::f64 : DType::f32), options);
}

TEST(GridSample, GradientsMatchFiniteDifferences) {
  // One pixel, and more channels than one thread owns.
  for (const Shape& shape : {Shape{2, 1, 2, 3}, Shape{2, 4, 5, 3}, Shape{1, 2, 1, 66}})
    for (const Interpolation mode : {Interpolation::bilinear, Interpolation::nearest})
      for (const GridSampleOptions& options : all_options(mode))
        EXPECT_TRUE(test::gradients_match([&](const Tensors& x) { return Tensors{sampled(x, options)}; },
                                          {random_tensor(shape, DType::f64, 1),
                                           random_tensor({shape[0], 3, 4, 2}, DType::f64, 2, -2.2, 2.2)}))
            << shape.text() << ", padding " << static_cast<int>(options.padding) << ", align_corners "
            << options.align_corners;
}

TEST(GridSample, EqualsPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    for (const Interpolation mode : {Interpolation::bilinear, Interpolation::nearest})
      EXPECT_TRUE(test::golden_matches(
          kFile, mode == Interpolation::bilinear ? "grid_sample_bilinear" : "grid_sample_nearest",
          [&](const Tensors& x) {
            Tensors outputs;
            for (const GridSampleOptions& options : all_options(mode)) outputs.push_back(sampled(x, options));
            return outputs;
          },
          // Gradients of six results are added up in bf16.
          {.dtype = dtype, .absolute = dtype == DType::bf16 ? 6e-2 : -1.0}));
}

TEST(GridSample, SinglePrecisionAndBf16FollowDoubleAtEverySize) {
  struct Size {
    std::int64_t height, width, channels;
  };
  for (const Size& size : {Size{1, 1, 1}, Size{7, 5, 3}, Size{2, 3, 33}, Size{5, 1, 65}})
    for (const Interpolation mode : {Interpolation::bilinear, Interpolation::nearest})
      for (const GridSampleOptions& options : all_options(mode))
        EXPECT_TRUE(test::follows_double_precision(
            [&](const Tensors& x) { return Tensors{sampled(x, options)}; },
            {random_tensor({2, size.height, size.width, size.channels}, DType::f64, 3),
             random_tensor({2, 4, 3, 2}, DType::f64, 4, -1.5, 1.5)},
            2e-5))
            << size.height << " x " << size.width << " x " << size.channels;
}

TEST(GridSample, ComputesEveryPartOfALargeTensor) {
  constexpr std::int64_t kRows = 40, kColumns = 50;
  const Tensor x = random_tensor({3, 5, 6, 3}, DType::f64, 1),
               grid = random_tensor({3, kRows, kColumns, 2}, DType::f64, 2, -1.2, 1.2),
               dy = random_tensor({3, kRows, kColumns, 3}, DType::f64, 3);
  const auto run = [&](const Tensor& places, const Tensor& cotangent) {
    autograd::set_requires_grad(x);
    autograd::set_requires_grad(places);
    Tensors results = {op::grid_sample(x, places)};
    for (const Tensor& gradient : autograd::gradients(results, {x, places}, {cotangent}))
      results.push_back(gradient);
    return results;
  };
  // The same, a row of places at a time.
  const auto row = [](const Tensor& whole, std::int64_t i) {
    return op::slice(whole, 1, i, i + 1).detach().clone();
  };
  const Tensors whole = run(grid.detach(), dy);
  Tensor dx = Tensor::zeros(x.shape(), DType::f64);
  for (std::int64_t i = 0; i < kRows; ++i) {
    const Tensors part = run(row(grid, i), row(dy, i));
    EXPECT_TRUE(test::close(row(whole[0], i), part[0], 1e-12, 1e-12)) << i;
    EXPECT_TRUE(test::close(row(whole[2], i), part[2], 1e-12, 1e-12)) << i;
    dx = op::add(dx, part[1]);
  }
  EXPECT_TRUE(test::close(whole[1], dx, 1e-12, 1e-12));
}

TEST(GridSample, SameBitsForAnyNumberOfThreads) {
  for (const DType dtype : {DType::f32, DType::bf16})
    EXPECT_TRUE(test::same_bits_for_threads(
        [](const Tensors& x) { return Tensors{sampled(x, {})}; },
        {random_tensor({3, 4, 5, 150}, dtype, 1), random_tensor({3, 30, 20, 2}, DType::f32, 2, -1.2, 1.2)}));
}

/// The result and both gradients, which must be finite, at two places that have one coordinate `value`.
Tensors at_places_with(double value, const GridSampleOptions& options) {
  const Tensor x = random_tensor({1, 3, 4, 5}, DType::f64, 1, 1, 2);
  const Tensor grid = Tensor::from(std::vector<double>{value, 0.1, 0.2, value}, {1, 1, 2, 2});
  autograd::set_requires_grad(x);
  autograd::set_requires_grad(grid);
  Tensors results = {op::grid_sample(x, grid, options)};
  const Tensor ones = Tensor::full(results[0].shape(), 1, DType::f64);
  for (const Tensor& gradient : autograd::gradients(results, {x, grid}, {ones})) results.push_back(gradient);
  for (const Tensor& result : results)
    for (const double v : result.to_vector<double>()) EXPECT_TRUE(std::isfinite(v)) << value;
  return results;
}

TEST(GridSample, PlacesThatAreNoNumbersReadZerosAndGetNoGradient) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Interpolation mode : {Interpolation::bilinear, Interpolation::nearest})
    for (const GridSampleOptions& options : all_options(mode)) {
      for (const double large : {1e10, -1e300}) at_places_with(large, options);
      for (const double bad : {std::nan(""), infinity, -infinity}) {
        const bool is_held = options.padding == GridPadding::border && !std::isnan(bad);
        const Tensors results = at_places_with(bad, options);
        for (const double v : results[0].to_vector<double>()) EXPECT_EQ(v != 0, is_held) << bad;
        const auto grid_gradient = results[2].to_vector<double>();
        EXPECT_EQ(grid_gradient[0], 0) << bad;
        EXPECT_EQ(grid_gradient[3], 0) << bad;
      }
    }
}

TEST(GridSample, TheNearestOfTwoPixelsAtOneDistanceIsTheEvenOne) {
  const Tensor x = Tensor::from(std::vector<float>{0, 1, 2, 3, 4}, {1, 1, 5, 1});
  // Half-way between pixels 0 and 1, 1 and 2, 2 and 3, 3 and 4.
  const Tensor grid =
      Tensor::from(std::vector<float>{-0.75F, 0, -0.25F, 0, 0.25F, 0, 0.75F, 0}, {1, 1, 4, 2});
  const Tensor y = op::grid_sample(x, grid, {.mode = Interpolation::nearest, .align_corners = true});
  EXPECT_EQ(y.to_vector<double>(), (std::vector<double>{0, 2, 2, 4}));
}

TEST(AffineGrid, EqualsPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    EXPECT_TRUE(test::golden_matches(
        kFile, "affine_grid",
        [](const Tensors& x) {
          return Tensors{op::affine_grid(x[0], 2, 3, false), op::affine_grid(x[0], 2, 3, true),
                         op::affine_grid(x[0], 1, 4, false), op::affine_grid(x[0], 1, 4, true)};
        },
        {.dtype = dtype, .absolute = dtype == DType::bf16 ? 1e-1 : -1.0}));
  EXPECT_EQ(op::affine_grid(Tensor::zeros({1, 2, 3}, DType::bf16), 2, 2).dtype(), DType::f32);
}

TEST(AffineGrid, GradientsMatchFiniteDifferences) {
  for (const bool align_corners : {false, true})
    EXPECT_TRUE(test::gradients_match(
        [&](const Tensors& x) { return Tensors{op::affine_grid(x[0], 3, 2, align_corners)}; },
        {random_tensor({2, 2, 3}, DType::f64, 1)}));
}

TEST(AffineGrid, TheIdentityReadsEveryPixel) {
  const Tensor identity = Tensor::from(std::vector<float>{1, 0, 0, 0, 1, 0}, {1, 2, 3});
  for (const bool align_corners : {false, true})
    for (const std::int64_t width : {1, 2, 7}) {
      const Tensor x = random_tensor({1, 5, width, 3}, DType::f32, 1);
      EXPECT_TRUE(test::close(op::grid_sample(x, op::affine_grid(identity, 5, width, align_corners),
                                              {.align_corners = align_corners}),
                              x, 1e-5, 1e-5));
    }
}

TEST(GridSample, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({2, 3, 4, 5}), grid = Tensor::zeros({2, 6, 7, 2});
  EXPECT_ERROR(op::grid_sample(Tensor::zeros({2, 3, 4, 5}, DType::i32), grid), "grid_sample of i32");
  EXPECT_ERROR(op::grid_sample(Tensor::zeros({3, 4, 5}), grid), "[batch, height, width, channels] needed");
  EXPECT_ERROR(op::grid_sample(Tensor::zeros({2, 3, 0, 5}), grid), "at least 1");
  EXPECT_ERROR(op::grid_sample(x, Tensor::zeros({2, 6, 7})), "grid f32 [2, height, width, 2] needed");
  EXPECT_ERROR(op::grid_sample(x, Tensor::zeros({1, 6, 7, 2})), "grid f32 [1, 6, 7, 2]: a grid f32 [2,");
  EXPECT_ERROR(op::grid_sample(x, Tensor::zeros({2, 6, 7, 3})), "needed");
  EXPECT_ERROR(op::grid_sample(x, Tensor::zeros({2, 6, 7, 2}, DType::bf16)), "a grid f32");
  EXPECT_ERROR(op::affine_grid(Tensor::zeros({2, 3}), 2, 2), "theta [batch, 2, 3] needed");
  EXPECT_ERROR(op::affine_grid(Tensor::zeros({1, 2, 3}, DType::i64), 2, 2), "affine_grid of i64");
  EXPECT_ERROR(op::affine_grid(Tensor::zeros({1, 2, 3}), 0, 2), "0 x 2 pixels: at least 1 x 1");
  EXPECT_ERROR(op::affine_grid(Tensor::zeros({1, 2, 3}), std::int64_t{1} << 40, std::int64_t{1} << 40), "");
}

}  // namespace
}  // namespace attend
