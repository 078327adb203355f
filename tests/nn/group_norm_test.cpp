#include "attend/nn/group_norm.h"

#include <gtest/gtest.h>

#include "attend/op/group_norm.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

TEST(GroupNorm, IsTheOperationWithItsParameters) {
  const nn::GroupNorm norm(2, 6, {.epsilon = 0.1});
  const Tensor x = test::random_tensor({2, 3, 4, 6}, DType::f32, 1);
  const auto parameters = norm.parameters();
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].name, "weight");
  EXPECT_TRUE(test::same_bits(norm.forward(x).detach(), op::group_norm(x, {}, {}, 2, 0.1)));
  const Tensor weight = test::random_tensor({6}, DType::f32, 2),
               bias = test::random_tensor({6}, DType::f32, 3);
  parameters[0].tensor.copy_from(weight);
  parameters[1].tensor.copy_from(bias);
  EXPECT_TRUE(test::same_bits(norm.forward(x).detach(), op::group_norm(x, weight, bias, 2, 0.1)));
  EXPECT_ERROR(nn::GroupNorm(4, 6), "6 channels in 4 groups");
  EXPECT_ERROR(nn::GroupNorm(0, 6), "6 channels in 0 groups");
  EXPECT_ERROR(nn::GroupNorm(1, 0), "0 channels in 1 groups");
}

}  // namespace
}  // namespace attend
