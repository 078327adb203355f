#include "attend/op/dice_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/base/parallel.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;

Tensor labels_with_ignored(const Shape& shape, std::int64_t classes, std::uint64_t seed) {
  Tensor labels = test::random_integers(shape, classes, seed);
  for (std::int64_t i = 0; i < labels.elements(); i += 3) labels.data<std::int32_t>()[i] = 255;
  return labels;
}

TEST(DiceLoss, IsWhatPyTorchComputes) {
  EXPECT_TRUE(test::golden_matches("unet.safetensors", "dice",
                                   [](const Tensors& in) { return Tensors{op::dice_loss(in[0], in[1])}; }));
  EXPECT_TRUE(test::golden_matches("unet.safetensors", "dice_ignored", [](const Tensors& in) {
    return Tensors{op::dice_loss(in[0], in[1], {.smoothing = 0.25, .ignore_index = 2})};
  }));
}

TEST(DiceLoss, GradientsMatchFiniteDifferences) {
  for (const double smoothing : {0.01, 1.0})
    EXPECT_TRUE(test::gradients_match(
        [&](const Tensors& in) {
          return Tensors{op::dice_loss(in[0], labels_with_ignored({2, 3, 2}, 3, 8),
                                       {.smoothing = smoothing, .ignore_index = 255})};
        },
        {test::random_tensor({2, 3, 2, 3}, DType::f64, 7, -2, 2)}));
}

TEST(DiceLoss, KnowsItsLimits) {
  const Tensor targets = Tensor::from(std::vector<std::int32_t>{0, 1, 1, 255}, {4});
  const auto loss_for = [&](double sure) {
    const std::vector<double> logits = {sure, 0, 0, sure, 0, sure, sure, 0};
    return op::dice_loss(Tensor::from(logits, {4, 2}), targets, {.ignore_index = 255}).item();
  };
  EXPECT_NEAR(loss_for(50), 0, 1e-12);
  // All wrong for sure: 1 - (1 / (2 + 1 + 1) + 1 / (1 + 2 + 1)) / 2.
  EXPECT_NEAR(loss_for(-50), 0.75, 1e-12);
  // Nothing known: both classes count as right.
  EXPECT_EQ(
      op::dice_loss(Tensor::zeros({1, 2}), Tensor::full({1}, 255, DType::i32), {.ignore_index = 255}).item(),
      0);
}

TEST(DiceLoss, SinglePrecisionAndThreads) {
  const Tensor logits = test::random_tensor({3, 65, 7, 4}, DType::f64, 3, -2, 2),
               labels = labels_with_ignored({3, 65, 7}, 4, 9);
  const op::DiceLossOptions options{.ignore_index = 255};
  const auto single = [&] {
    return op::dice_loss(Tensor::from(logits.to_vector<float>(), logits.shape()), labels, options);
  };
  // Sums over 1,000 numbers in f32.
  EXPECT_TRUE(test::close(single(), op::dice_loss(logits, labels, options), 1e-5, 1e-6));
  const int before = threads();
  set_threads(1);
  const Tensor one = single();
  set_threads(2);
  EXPECT_TRUE(test::same_bits(one, single()));
  set_threads(before);
}

TEST(DiceLoss, RefusesWhatDoesNotFit) {
  const Tensor logits = Tensor::zeros({2, 3}), targets = Tensor::zeros({2}, DType::i32);
  EXPECT_ERROR(op::dice_loss(logits, Tensor::zeros({3}, DType::i32)), "[..., V] and [...]");
  EXPECT_ERROR(op::dice_loss(logits, Tensor::zeros({2})), "targets in i32 or i64");
  EXPECT_ERROR(op::dice_loss(Tensor::zeros({2, 3}, DType::i32), targets), "logits in f32, bf16 or f64");
  EXPECT_ERROR(op::dice_loss({}, targets), "undefined");
  EXPECT_ERROR(op::dice_loss(Tensor::zeros({0, 3}), Tensor::zeros({0}, DType::i32)), "at least one element");
  EXPECT_ERROR(op::dice_loss(logits, targets, {.smoothing = 0}), "smoothing above 0");
  EXPECT_ERROR(op::dice_loss(logits, Tensor::full({2}, 3, DType::i32)), "target 3 of row 0; 0 to 2");
  EXPECT_ERROR(op::dice_loss(logits, Tensor::full({2}, -1, DType::i32)), "target -1 of row 0");
}

}  // namespace
}  // namespace attend
