#include "attend/nn/group_norm.h"

#include <gtest/gtest.h>

#include "attend/op/activation.h"
#include "attend/op/group_norm.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using nn::GroupNorm;

TEST(GroupNorm, IsTheOperationWithWeightAndBias) {
  for (const bool relu : {false, true}) {
    GroupNorm norm(6, {.groups = 3, .epsilon = 0.1, .relu = relu});
    const auto parameters = norm.parameters();
    ASSERT_EQ(parameters.size(), 2u);
    EXPECT_EQ(parameters[0].name, "weight");
    EXPECT_EQ(parameters[1].name, "bias");
    EXPECT_FALSE(parameters[0].decay);
    EXPECT_TRUE(test::same_bits(parameters[0].tensor.detach(), Tensor::full({6}, 1)));
    EXPECT_TRUE(test::same_bits(parameters[1].tensor.detach(), Tensor::zeros({6})));
    parameters[0].tensor.copy_from(test::random_tensor({6}, DType::f32, 1));
    parameters[1].tensor.copy_from(test::random_tensor({6}, DType::f32, 2));
    const Tensor x = test::random_tensor({2, 3, 5, 6}, DType::f32, 3);
    const Tensor expected = op::group_norm(x, parameters[0].tensor, parameters[1].tensor, 3, 0.1);
    EXPECT_TRUE(test::same_bits(norm.forward(x).detach(),
                                (relu ? op::activate(expected, Activation::relu) : expected).detach()));
  }
}

TEST(GroupNorm, RefusesGroupsThatDoNotDivide) {
  EXPECT_ERROR(GroupNorm(6, {.groups = 4}), "a group norm of 6 channels in 4 groups: groups that divide");
  EXPECT_ERROR(GroupNorm(6, {.groups = 0}), "in 0 groups");
  EXPECT_ERROR(GroupNorm(0, {.groups = 1}), "of 0 channels");
}

}  // namespace
}  // namespace attend
