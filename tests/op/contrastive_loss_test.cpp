#include "attend/op/contrastive_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/op/arithmetic.h"
#include "attend/op/norm.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_tensor;

Tensor unit(const Tensor& x) {
  return op::scale(op::rms_norm(x, {}, 0), 1 / std::sqrt(static_cast<double>(x.dim(1))));
}

Tensor mask(std::int64_t n, const std::vector<std::pair<int, int>>& places) {
  Tensor result = Tensor::zeros({n, n}, DType::boolean);
  for (const auto& [i, j] : places) result.data<bool>()[i * n + j] = true;
  return result;
}

TEST(ContrastiveLoss, IsWhatPyTorchComputes) {
  EXPECT_TRUE(test::golden_matches("contrastive.safetensors", "plain", [](const Tensors& in) {
    return Tensors{op::contrastive_loss(unit(in[0]), unit(in[1]))};
  }));
  const Tensor ignored = mask(5, {{0, 3}, {3, 0}, {2, 4}});
  EXPECT_TRUE(test::golden_matches("contrastive.safetensors", "ignored", [&](const Tensors& in) {
    return Tensors{op::contrastive_loss(unit(in[0]), unit(in[1]), {.temperature = 0.3, .ignored = ignored})};
  }));
}

TEST(ContrastiveLoss, GradientsMatchFiniteDifferences) {
  for (const std::int64_t n : {1, 2, 7}) {
    const Tensor a = random_tensor({n, 5}, DType::f64, 1), b = random_tensor({n, 5}, DType::f64, 2);
    EXPECT_TRUE(test::gradients_match(
        [](const Tensors& in) { return Tensors{op::contrastive_loss(in[0], in[1], {.temperature = 0.5})}; },
        {a, b}))
        << n;
  }
  const Tensor ignored = mask(4, {{0, 1}, {1, 0}, {0, 2}, {0, 3}});
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& in) {
        return Tensors{op::contrastive_loss(in[0], in[1], {.temperature = 0.5, .ignored = ignored})};
      },
      {random_tensor({4, 3}, DType::f64, 3), random_tensor({4, 3}, DType::f64, 4)}));
}

TEST(ContrastiveLoss, KnowsItsLimits) {
  // Alone there is nothing to confuse a pair with; all alike, nothing tells them apart.
  EXPECT_EQ(op::contrastive_loss(Tensor::full({1, 3}, 1), Tensor::full({1, 3}, 1)).item(), 0);
  EXPECT_NEAR(op::contrastive_loss(Tensor::full({6, 3}, 1), Tensor::full({6, 3}, 1)).item(), std::log(6.0),
              1e-6);
}

TEST(ContrastiveLoss, RefusesWhatDoesNotFit) {
  const Tensor a = Tensor::zeros({2, 3});
  EXPECT_ERROR(op::contrastive_loss(a, Tensor::zeros({3, 2})), "[n, d] of both");
  EXPECT_ERROR(op::contrastive_loss(Tensor::zeros({0, 3}), Tensor::zeros({0, 3})), "n and d at least 1");
  EXPECT_ERROR(op::contrastive_loss(a, Tensor::zeros({2, 3}, DType::f64)), "f32 or f64 of both");
  EXPECT_ERROR(op::contrastive_loss(a, a, {.temperature = 0}), "temperature 0: above 0");
  EXPECT_ERROR(op::contrastive_loss(a, a, {.ignored = Tensor::zeros({2, 3}, DType::boolean)}),
               "ignored bool [2, 3]: bool [n, n] needed");
}

}  // namespace
}  // namespace attend
