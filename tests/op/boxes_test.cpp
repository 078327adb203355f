#include "attend/op/boxes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

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
using op::Reduction;
using test::random_tensor;

constexpr const char* kFile = "image_operations.safetensors";
constexpr DType kDTypes[] = {DType::f64, DType::f32, DType::bf16};

Tensor random_boxes(std::int64_t count, std::uint64_t seed) {
  const Tensor boxes = random_tensor({count, 4}, DType::f64, seed, 0.5, 5);
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t k = 2; k < 4; ++k)
      boxes.data<double>()[4 * i + k] += boxes.data<double>()[4 * i + k - 2];
  return boxes;
}

Tensors losses(const Tensors& x) {
  return {op::giou_loss(x[0], x[1], Reduction::none), op::giou_loss(x[0], x[1]),
          op::giou_loss(x[0], x[1], Reduction::sum)};
}

TEST(Boxes, OverlapsEqualTorchvisions) {
  for (const DType dtype : kDTypes) {
    const test::GoldenCheck check{.dtype = dtype, .absolute = dtype == DType::f64 ? 1e-12 : 1e-6};
    EXPECT_TRUE(test::golden_matches(
        kFile, "box_iou", [](const Tensors& x) { return Tensors{op::box_iou(x[0], x[1])}; }, check));
    EXPECT_TRUE(test::golden_matches(
        kFile, "box_giou", [](const Tensors& x) { return Tensors{op::box_giou(x[0], x[1])}; }, check));
  }
  EXPECT_EQ(op::box_iou(Tensor::zeros({1, 4}, DType::bf16), Tensor::zeros({1, 4}, DType::bf16)).dtype(),
            DType::f32);
}

TEST(Boxes, OverlapsOfBoxesWithoutAreaAreZero) {
  const Tensor boxes = Tensor::from(std::vector<float>{1, 1, 1, 1, 0, 0, 2, 2, 2, 2, 0, 0}, {3, 4});
  const auto iou = op::box_iou(boxes, boxes).to_vector<double>();
  for (std::size_t i = 0; i < iou.size(); ++i) EXPECT_EQ(iou[i], i == 4 ? 1 : 0) << i;
  EXPECT_EQ(op::box_giou(boxes, boxes).to_vector<double>()[0], 0);
  EXPECT_EQ(op::box_iou(boxes, Tensor::zeros({0, 4})).shape(), (Shape{3, 0}));
}

TEST(Boxes, ANaNStaysInItsPairs) {
  const Tensor good = random_boxes(3, 1);
  for (const std::int64_t coordinate : {0, 1, 2, 3}) {
    const Tensor bad = random_boxes(2, 2);
    bad.data<double>()[4 + coordinate] = std::nan("");
    for (const auto& measure : {op::box_iou, op::box_giou}) {
      const auto rows = measure(bad, good).to_vector<double>(),
                 columns = measure(good, bad).to_vector<double>();
      for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(std::isnan(rows[i]), i >= 3) << coordinate;
        EXPECT_EQ(std::isnan(columns[i]), i % 2 == 1) << coordinate;
      }
    }
  }
}

TEST(Boxes, LargeOverlapsAreComputedInEveryPart) {
  const Tensor a = random_boxes(300, 1), b = random_boxes(170, 2);
  const auto all = op::box_iou(a, b).to_vector<double>();
  for (const std::int64_t row : {0, 96, 97, 150, 299}) {
    const auto one = op::box_iou(a.view_as({1, 4}, {4, 1}, 4 * row), b).to_vector<double>();
    for (std::size_t j = 0; j < one.size(); ++j)
      EXPECT_EQ(one[j], all[static_cast<std::size_t>(row) * 170 + j]) << row << ", " << j;
  }
  EXPECT_TRUE(test::same_bits_for_threads([&](const Tensors& x) { return Tensors{op::box_iou(x[0], x[1])}; },
                                          {a, b}));
}

TEST(GiouLoss, EqualsTorchvision) {
  for (const DType dtype : kDTypes)
    EXPECT_TRUE(test::golden_matches(kFile, "giou_loss", losses, {.dtype = dtype}));
}

TEST(GiouLoss, GradientsMatchFiniteDifferences) {
  for (const std::int64_t count : {1, 12})
    EXPECT_TRUE(test::gradients_match(losses, {random_boxes(count, 1), random_boxes(count, 2)}));
  // Apart from each other, where the IoU is 0 and only the hull has a gradient.
  EXPECT_TRUE(test::gradients_match(losses, {Tensor::from(std::vector<double>{0, 0, 1, 1}, {1, 4}),
                                             Tensor::from(std::vector<double>{2, 3, 4, 6}, {1, 4})}));
}

TEST(GiouLoss, SinglePrecisionAndBf16FollowDouble) {
  for (const std::int64_t count : {1, 7, 65})
    EXPECT_TRUE(test::follows_double_precision(losses, {random_boxes(count, 3), random_boxes(count, 4)}));
  EXPECT_TRUE(test::same_bits_for_threads(
      losses, {op::cast(random_boxes(9000, 3), DType::f32), op::cast(random_boxes(9000, 4), DType::f32)}));
}

TEST(GiouLoss, IsZeroOfEqualBoxesAndOfNone) {
  const Tensor boxes = random_boxes(5, 1);
  EXPECT_TRUE(
      test::close(op::giou_loss(boxes, boxes, Reduction::none), Tensor::zeros({5}, DType::f64), 0, 1e-6));
  EXPECT_EQ(op::giou_loss(Tensor::zeros({0, 4}), Tensor::zeros({0, 4})).item(), 0);
  const Tensor half = op::cast(boxes, DType::bf16);
  EXPECT_EQ(op::giou_loss(half, half).dtype(), DType::f32);
}

// By definition: take the best of what is left, and strike out all that it covers.
std::vector<std::int64_t> suppressed(const Tensor& boxes, const std::vector<double>& scores,
                                     double threshold) {
  const auto iou = op::box_iou(boxes, boxes).to_vector<double>();
  std::vector<bool> is_left(scores.size(), true);
  std::vector<std::int64_t> kept;
  for (;;) {
    std::size_t best = scores.size();
    for (std::size_t i = 0; i < scores.size(); ++i)
      if (is_left[i] && (best == scores.size() || scores[i] > scores[best])) best = i;
    if (best == scores.size()) return kept;
    kept.push_back(static_cast<std::int64_t>(best));
    for (std::size_t i = 0; i < scores.size(); ++i)
      if (i == best || iou[best * scores.size() + i] > threshold) is_left[i] = false;
  }
}

TEST(Nms, KeepsWhatItsDefinitionKeeps) {
  for (const std::int64_t count : {0, 1, 2, 30, 65})
    for (const double threshold : {-1.0, 0.0, 0.1, 0.5, 1.0})
      for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const Tensor boxes = random_boxes(count, seed);
        // Few different scores, so that many are equal.
        const auto scores = test::random_integers({count}, 9, seed + 10, DType::i64);
        EXPECT_EQ(op::nms(boxes, op::cast(scores, DType::f32), threshold).to_vector<std::int64_t>(),
                  suppressed(boxes, scores.to_vector<double>(), threshold))
            << count << " boxes, threshold " << threshold << ", seed " << seed;
      }
}

TEST(Nms, EqualsTorchvision) {
  for (const int percent : {20, 60})
    for (const DType dtype : kDTypes)
      EXPECT_TRUE(test::golden_matches(
          kFile, "nms_" + std::to_string(percent),
          [&](const Tensors& x) { return Tensors{op::nms(x[0], x[1], percent / 100.0)}; }, {.dtype = dtype}));
}

TEST(Boxes, NamesWhatDoesNotFit) {
  const Tensor boxes = Tensor::zeros({3, 4}), scores = Tensor::zeros({3});
  EXPECT_ERROR(op::box_iou(Tensor::zeros({3, 4}, DType::i32), boxes), "box_iou of i32");
  EXPECT_ERROR(op::box_iou(boxes, Tensor::zeros({4})), "box_iou of boxes f32 [4]: [N, 4] needed");
  EXPECT_ERROR(op::box_giou(Tensor::zeros({3, 5}), boxes), "box_giou of boxes f32 [3, 5]: [N, 4] needed");
  EXPECT_ERROR(op::box_giou(boxes, Tensor::zeros({3, 4}, DType::f64)), "one dtype needed");
  EXPECT_ERROR(op::giou_loss(boxes, Tensor::zeros({2, 4})), "giou_loss of boxes f32 [3, 4] and f32 [2, 4]");
  EXPECT_ERROR(op::giou_loss(boxes, Tensor::zeros({3, 4}, DType::bf16)), "one shape and dtype needed");
  EXPECT_ERROR(op::giou_loss(Tensor::zeros({4}), Tensor::zeros({4})), "[N, 4] needed");
  EXPECT_ERROR(op::nms(Tensor::zeros({3}), scores, 0.5), "nms of boxes f32 [3]");
  EXPECT_ERROR(op::nms(boxes, Tensor::zeros({2}), 0.5), "scores [3] needed");
  EXPECT_ERROR(op::nms(boxes, Tensor::zeros({3}, DType::i64), 0.5), "nms: scores, of i64");
  EXPECT_ERROR(op::nms(boxes, scores, std::nan("")), "iou_threshold is NaN");
  EXPECT_ERROR(op::nms(boxes, Tensor::full({3}, std::nan("")), 0.5), "nan in box or score 0");
  const Tensor bad = Tensor::zeros({3, 4});
  bad.data<float>()[6] = INFINITY;
  EXPECT_ERROR(op::nms(bad, scores, 0.5), "inf in box or score 1");
}

}  // namespace
}  // namespace attend
