#include "attend/model/feature_pyramid.h"

#include <gtest/gtest.h>

#include "attend/op/arithmetic.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/image_models.h"
#include "support/module_gradients.h"

namespace attend {
namespace {

using model::FeaturePyramid;
using model::FeaturePyramidConfig;

TEST(FeaturePyramid, HasMapsOfTheSizesThatTheStridesSay) {
  Generator random(1);
  const FeaturePyramid pyramid({.channels = 2, .width = 4, .stages = 3, .levels = 2, .dim = 6}, random);
  EXPECT_EQ(pyramid.strides(), (std::vector<std::int64_t>{8, 16}));
  const auto maps = pyramid.forward(Tensor::zeros({3, 33, 47, 2}));
  ASSERT_EQ(maps.size(), 2u);
  EXPECT_EQ(maps[0].shape(), (Shape{3, 5, 6, 6}));
  EXPECT_EQ(maps[1].shape(), (Shape{3, 3, 3, 6}));
}

TEST(FeaturePyramid, GradientsMatchFiniteDifferences) {
  Generator random(1);
  FeaturePyramid pyramid({.channels = 2, .width = 4, .stages = 2, .blocks = 2, .levels = 2, .dim = 3},
                         random);
  test::fill_by_name(pyramid);
  const Tensor x = test::random_tensor({2, 17, 11, 2}, DType::f64, 1);
  EXPECT_TRUE(test::parameter_gradients_match(pyramid, [&] {
    const auto maps = pyramid.forward(x);
    Tensor loss;
    for (std::size_t i = 0; i < maps.size(); ++i) {
      const Tensor part =
          op::sum(op::multiply(maps[i], test::random_tensor(maps[i].shape(), DType::f64, 5 + i)));
      loss = loss.defined() ? op::add(loss, part) : part;
    }
    return loss;
  }));
}

TEST(FeaturePyramid, DoesTheSameInBatchesOfAnySize) {
  Generator random(1);
  const FeaturePyramid pyramid({.channels = 1, .width = 8, .stages = 2, .levels = 2, .dim = 8}, random);
  const Tensor x = test::random_tensor({3, 16, 16, 1}, DType::f32, 1);
  const auto together = pyramid.forward(x);
  const auto alone = pyramid.forward(op::slice(x, 0, 1, 2));
  for (std::size_t level = 0; level < 2; ++level)
    EXPECT_TRUE(test::close(op::slice(together[level], 0, 1, 2).detach(), alone[level].detach(), 1e-5, 1e-5));
}

TEST(FeaturePyramid, WrongNumbersAreNamed) {
  Generator random(1);
  EXPECT_ERROR(FeaturePyramid({.stages = 2, .levels = 3}, random),
               "levels 3: at most as many as there are stages, 2");
  EXPECT_ERROR(FeaturePyramid({.stages = 7}, random), "stages 7: an integer from 1 to 6 needed");
  EXPECT_ERROR(FeaturePyramid({.dim = 0}, random), "dim 0: an integer from 1 to 4096 needed");
}

}  // namespace
}  // namespace attend
