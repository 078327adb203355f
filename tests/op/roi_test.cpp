#include "attend/op/roi.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attend/op/cast.h"
#include "attend/op/reduce.h"
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
using test::random_tensor;

constexpr const char* kFile = "image_operations.safetensors";

/// Boxes in the dtype that they have beside x.
Tensor beside(const Tensor& x, const Tensor& boxes) {
  return op::cast(boxes, x.dtype() == DType::f64 ? DType::f64 : DType::f32);
}

/// Inside, across the border, outside, of no size, upside down.
Tensor boxes_of(DType dtype = DType::f64) {
  return op::cast(
      Tensor::from(std::vector<double>{0.5, 1.25, 4.5, 4,   -2, 3,   3.5,  8, 9,  9.5,  12,   13,
                                       2,   2.5,  2,   2.5, 4,  4.5, 2.25, 1, -1, 0.25, 6.75, 5.5},
                   {6, 4}),
      dtype);
}

Tensor images_of() {
  return Tensor::from(std::vector<std::int32_t>{0, 1, 1, 0, 1, 0}, {6});
}

Tensors aligned(const Tensors& x) {
  const Tensor boxes = beside(x[0], boxes_of());
  return {
      op::roi_align(x[0], boxes, images_of(), {.height = 2, .width = 3}),
      op::roi_align(x[0], boxes, images_of(),
                    {.height = 3, .width = 1, .spatial_scale = 0.5, .sampling_ratio = 2, .aligned = false})};
}

Tensors pooled(const Tensors& x) {
  const Tensor boxes = beside(x[0], boxes_of());
  return {op::roi_pool(x[0], boxes, images_of(), {.height = 2, .width = 3}),
          op::roi_pool(x[0], boxes, images_of(), {.height = 3, .width = 1, .spatial_scale = 0.5})};
}

TEST(RoiAlign, EqualsTorchvision) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    EXPECT_TRUE(test::golden_matches(
        kFile, "roi_align",
        [](const Tensors& x) {
          const auto align = [&](double scale, std::int64_t ratio, bool is_aligned) {
            return op::roi_align(x[0], beside(x[0], x[1]), x[2],
                                 {.height = 2,
                                  .width = 2,
                                  .spatial_scale = scale,
                                  .sampling_ratio = ratio,
                                  .aligned = is_aligned});
          };
          return Tensors{align(1, 0, true), align(1, 0, false), align(0.5, 2, true), align(1.5, 3, false)};
        },
        {.dtype = dtype}));
}

TEST(RoiPool, EqualsTorchvision) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    EXPECT_TRUE(test::golden_matches(
        kFile, "roi_pool",
        [](const Tensors& x) {
          const Tensor boxes = beside(x[0], x[1]);
          return Tensors{op::roi_pool(x[0], boxes, x[2], {.height = 2, .width = 2}),
                         op::roi_pool(x[0], boxes, x[2], {.height = 1, .width = 3, .spatial_scale = 0.5})};
        },
        {.dtype = dtype}));
}

TEST(Roi, GradientsMatchFiniteDifferences) {
  for (const test::Function& function : {test::Function(aligned), test::Function(pooled)})
    // One row, and more channels than one thread owns.
    for (const Shape& shape : {Shape{2, 1, 5, 3}, Shape{2, 6, 5, 3}, Shape{2, 3, 3, 66}})
      EXPECT_TRUE(test::gradients_match(function, {random_tensor(shape, DType::f64, 1)})) << shape.text();
}

TEST(Roi, SinglePrecisionAndBf16FollowDoubleAtEverySize) {
  for (const std::int64_t channels : {1, 3, 33, 65})
    for (const std::int64_t size : {1, 7})
      for (const test::Function& function : {test::Function(aligned), test::Function(pooled)})
        EXPECT_TRUE(
            test::follows_double_precision(function, {random_tensor({2, size, 5, channels}, DType::f64, 2)}))
            << size << " x 5 x " << channels;
}

TEST(Roi, SameBitsForAnyNumberOfThreads) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const test::Function& function : {test::Function(aligned), test::Function(pooled)})
      EXPECT_TRUE(test::same_bits_for_threads(function, {random_tensor({2, 7, 6, 150}, dtype, 1)}));
}

TEST(RoiPool, ANaNStaysInItsChannelAndItsBins) {
  const Tensor x = Tensor::full({1, 4, 4, 20}, 1);
  x.data<float>()[(2 * 4 + 1) * 20 + 17] = std::nanf("");
  const Tensor boxes = Tensor::from(std::vector<float>{0, 0, 3, 3}, {1, 4}),
               image = Tensor::zeros({1}, DType::i64);
  const auto y = op::roi_pool(x, boxes, image, {.height = 2, .width = 2}).to_vector<double>();
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(std::isnan(y[i]), i == 2 * 20 + 17) << i;
}

TEST(RoiPool, TheFirstOfEqualMaximaGetsTheGradient) {
  const Tensor x = Tensor::zeros({1, 3, 4, 2});
  for (const std::int64_t pixel : {5, 6, 9}) x.data<float>()[2 * pixel + 1] = 7;
  autograd::set_requires_grad(x);
  const Tensor y = op::roi_pool(x, Tensor::from(std::vector<float>{0, 0, 3, 2}, {1, 4}),
                                Tensor::zeros({1}, DType::i32), {.height = 1, .width = 1});
  const auto dx = autograd::gradients({y}, {x}, {Tensor::full(y.shape(), 1)})[0].to_vector<double>();
  for (std::size_t i = 0; i < dx.size(); ++i) EXPECT_EQ(dx[i], i == 0 || i == 11 ? 1 : 0) << i;
}

TEST(RoiAlign, IsTheMeanOfItsPoints) {
  const Tensor x = random_tensor({2, 9, 8, 3}, DType::f64, 1),
               dy = random_tensor({6, 7, 7, 3}, DType::f64, 2);
  autograd::set_requires_grad(x);
  const Tensor y = op::roi_align(x, boxes_of(), images_of(), {.sampling_ratio = 4});
  const Tensor points =
      op::roi_align(x, boxes_of(), images_of(), {.height = 28, .width = 28, .sampling_ratio = 1});
  const Tensor means = op::mean(op::reshape(points, {6, 7, 4, 7, 4, 3}), {.axes = {2, 4}});
  EXPECT_TRUE(test::close(y, means, 1e-12, 1e-12));
  EXPECT_TRUE(test::close(autograd::gradients({y}, {x}, {dy})[0], autograd::gradients({means}, {x}, {dy})[0],
                          1e-12, 1e-12));
}

TEST(Roi, NoBoxesGiveNothingAndGradientsOfZero) {
  const Tensor x = random_tensor({1, 3, 3, 2}, DType::f32, 1), boxes = Tensor::zeros({0, 4}),
               image = Tensor::zeros({0}, DType::i32);
  autograd::set_requires_grad(x);
  for (const Tensor& y : {op::roi_align(x, boxes, image), op::roi_pool(x, boxes, image)}) {
    EXPECT_EQ(y.shape(), (Shape{0, 7, 7, 2}));
    EXPECT_TRUE(test::same_bits(autograd::gradients({y}, {x}, {Tensor::zeros(y.shape())})[0],
                                Tensor::zeros(x.shape())));
  }
}

TEST(Roi, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({2, 3, 4, 5}), boxes = Tensor::zeros({1, 4}),
               image = Tensor::zeros({1}, DType::i32);
  EXPECT_ERROR(op::roi_align(Tensor::zeros({3, 4, 5}), boxes, image), "roi_align of f32 [3, 4, 5]");
  EXPECT_ERROR(op::roi_pool(Tensor::zeros({1, 3, 4, 5}, DType::i32), boxes, image), "roi_pool of i32");
  EXPECT_ERROR(op::roi_align(x, Tensor::zeros({1, 5}), image), "boxes f32 [R, 4] needed");
  EXPECT_ERROR(op::roi_align(x, Tensor::zeros({1, 4}, DType::f64), image), "boxes f32 [R, 4] needed");
  EXPECT_ERROR(op::roi_pool(x, boxes, Tensor::zeros({2}, DType::i32)), "image i32 or i64 [1] needed");
  EXPECT_ERROR(op::roi_pool(x, boxes, Tensor::zeros({1})), "image i32 or i64 [1] needed");
  EXPECT_ERROR(op::roi_pool(x, boxes, Tensor::full({1}, 2, DType::i32)), "roi_pool: image 2 at element 0");
  EXPECT_ERROR(op::roi_align(x, boxes, image, {.height = 0}), "0 x 7 bins given");
  EXPECT_ERROR(op::roi_pool(x, boxes, image, {.width = -1}), "7 x -1 bins given, from 1 to 65536");
  EXPECT_ERROR(op::roi_pool(x, boxes, image, {.width = 65537}), "7 x 65537 bins given");
  EXPECT_ERROR(op::roi_pool(x, boxes, image, {.spatial_scale = 0}), "spatial_scale 0 given");
  EXPECT_ERROR(op::roi_align(x, boxes, image, {.spatial_scale = std::numeric_limits<double>::infinity()}),
               "spatial_scale inf given");
  EXPECT_ERROR(op::roi_align(x, boxes, image, {.sampling_ratio = -1}), "sampling_ratio -1 given");
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), -2e9F})
    EXPECT_ERROR(op::roi_pool(x, Tensor::full({1, 4}, static_cast<double>(bad)), image), "coordinate");
  EXPECT_ERROR(op::roi_align(x, Tensor::from(std::vector<float>{0, 0, 1e8F, 1e8F}, {1, 4}), image),
               "box 0 would need");
  EXPECT_ERROR(op::roi_align(x, boxes, image, {.sampling_ratio = 257}),
               "257 x 257 points in each bin; at most 65536 accepted");
}

}  // namespace
}  // namespace attend
