#include "attend/nn/convolution_stem.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

TEST(ConvolutionStem, HasTwiceTheChannelsEachTimeAndDimAtTheEnd) {
  Generator random(1);
  const nn::ConvolutionStem stem(3, 16, 8, random);
  std::vector<std::int64_t> channels;
  for (const auto& parameter : stem.parameters())
    if (parameter.name.starts_with("convolutions.")) channels.push_back(parameter.tensor.dim(0));
  EXPECT_EQ(channels, (std::vector<std::int64_t>{4, 8, 16}));
  EXPECT_EQ(stem.forward(test::random_tensor({2, 24, 16, 3}, DType::f32, 2), {}).shape(),
            Shape({2, 3, 2, 16}));
}

TEST(ConvolutionStem, CountsTheOperationsOfItsConvolutions) {
  Generator random(1);
  const nn::ConvolutionStem stem(3, 16, 4, random);
  // 12 x 8 places of 27 inputs to 8, 6 x 4 of 72 to 16 and of 16 to 16.
  EXPECT_EQ(stem.flops(24, 16), 2.0 * (12 * 8 * 27 * 8 + 6 * 4 * 72 * 16 + 6 * 4 * 16 * 16));
}

TEST(ConvolutionStem, SeesPastTheEdgesOfAPatch) {
  Generator random(1);
  const nn::ConvolutionStem stem(1, 8, 2, random);
  Tensor x = test::random_tensor({1, 4, 4, 1}, DType::f32, 2);
  const auto before = stem.forward(x, {}).to_vector<float>();
  x.data<float>()[1] += 1;
  const auto after = stem.forward(x, {}).to_vector<float>();
  // Row 0, column 1 is of the first patch, and next to the second.
  const auto differ = [&](std::size_t patch) {
    return !std::equal(before.begin() + static_cast<std::ptrdiff_t>(8 * patch),
                       before.begin() + static_cast<std::ptrdiff_t>(8 * patch + 8),
                       after.begin() + static_cast<std::ptrdiff_t>(8 * patch));
  };
  EXPECT_TRUE(differ(0));
  EXPECT_TRUE(differ(1));
  EXPECT_FALSE(differ(2));
  EXPECT_FALSE(differ(3));
}

TEST(ConvolutionStem, RefusesPatchesThatAreNoPowersOfTwo) {
  Generator random(1);
  for (const std::int64_t patch : {-2, 0, 1, 3, 6})
    EXPECT_ERROR(nn::ConvolutionStem(1, 64, patch, random), "needs a power of two of at least 2");
  EXPECT_ERROR(nn::ConvolutionStem(1, 6, 8, random), "dim 6: a stem of convolutions needs a multiple of 4");
  EXPECT_ERROR(nn::ConvolutionStem(1, 0, 2, random), "dim 0: a stem of convolutions needs a multiple of 1");
}

}  // namespace
}  // namespace attend
