#include "attend/nn/residual_block.h"

#include <gtest/gtest.h>

#include "attend/nn/batch_norm.h"
#include "attend/nn/group_norm.h"
#include "attend/op/arithmetic.h"
#include "attend/op/reduce.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/image_models.h"
#include "support/module_gradients.h"

namespace attend {
namespace {

using nn::FeatureAttentionKind;
using nn::FeatureNormKind;
using nn::ResidualBlock;

TEST(FeatureNorm, IsTheNormThatItsKindNames) {
  const Tensor x = test::random_tensor({2, 3, 4, 6}, DType::f32, 1);
  const nn::Run run{.training = true};
  const auto batch = nn::make_feature_norm(6, {.relu = true});
  EXPECT_TRUE(test::same_bits(batch->forward(x, run), nn::BatchNorm(6, {.relu = true}).forward(x, run)));
  const auto group = nn::make_feature_norm(6, {.kind = FeatureNormKind::group, .groups = 4});
  EXPECT_TRUE(test::same_bits(group->forward(x, run), nn::GroupNorm(6, {.groups = 2}).forward(x)));
  EXPECT_ERROR(nn::make_feature_norm(0, {}), "0 channels");
  EXPECT_ERROR(nn::make_feature_norm(6, {.kind = FeatureNormKind::group, .groups = 0}), "0 groups");
}

TEST(ResidualBlock, GradientsMatchFiniteDifferences) {
  for (const FeatureNormKind norm : {FeatureNormKind::batch, FeatureNormKind::group})
    for (const std::int64_t stride : {1, 2}) {
      SCOPED_TRACE(stride);
      Generator random(2);
      ResidualBlock block(4, stride == 1 ? 4 : 6,
                          {.stride = stride,
                           .norm = norm,
                           .norm_groups = 2,
                           .attention = FeatureAttentionKind::squeeze_excitation},
                          random);
      test::fill_by_name(block);
      const Tensor x = test::random_tensor({2, 5, 7, 4}, DType::f64, 1);
      EXPECT_TRUE(test::parameter_gradients_match(block, [&] {
        const Tensor y = block.forward(x, {.training = true}, 0);
        return op::sum(op::multiply(y, test::random_tensor(y.shape(), DType::f64, 5)));
      }));
    }
}

TEST(ResidualBlock, KeepsTheMapsOrDividesThemByTheStride) {
  Generator random(1);
  const Tensor x = test::random_tensor({2, 5, 8, 4}, DType::f32, 1);
  EXPECT_EQ(ResidualBlock(4, 4, {}, random).forward(x, {}, 0).shape(), (Shape{2, 5, 8, 4}));
  EXPECT_EQ(ResidualBlock(4, 6, {.stride = 2}, random).forward(x, {}, 0).shape(), (Shape{2, 3, 4, 6}));
}

TEST(ResidualBlock, WithoutItsBranchIsTheIdentity) {
  Generator random(1);
  const ResidualBlock block(4, 4, {}, random);
  for (const auto& parameter : block.parameters())
    if (parameter.name == "conv2.weight") parameter.tensor.copy_from(Tensor::zeros(parameter.tensor.shape()));
  const Tensor x = test::random_tensor({2, 3, 4, 4}, DType::f32, 1);
  EXPECT_TRUE(test::same_bits(block.forward(x, {}, 0).detach(), x));
}

}  // namespace
}  // namespace attend
