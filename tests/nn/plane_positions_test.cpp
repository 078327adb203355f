#include "attend/nn/plane_positions.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/expect_error.h"

namespace attend {
namespace {

TEST(SinusoidalPlanePositions, HaveTheRowInFrontAndTheColumnBehind) {
  const Tensor table = nn::sinusoidal_plane_positions(2, 3, 8);
  ASSERT_EQ(table.shape(), (Shape{6, 8}));
  ASSERT_EQ(table.dtype(), DType::f64);
  for (int row = 0; row < 2; ++row)
    for (int column = 0; column < 3; ++column)
      for (int i = 0; i < 8; ++i) {
        const int place = i < 4 ? row : column, pair = i % 4 / 2;
        const double angle = place * std::pow(10000.0, -pair / 2.0);
        EXPECT_NEAR(table.data<double>()[(row * 3 + column) * 8 + i],
                    i % 2 == 0 ? std::sin(angle) : std::cos(angle), 1e-15);
      }
}

TEST(SinusoidalPlanePositions, RefuseWhatDoesNotFit) {
  EXPECT_ERROR(nn::sinusoidal_plane_positions(2, 3, 6), "a map with 6 features: a multiple of 4 needed");
  EXPECT_ERROR(nn::sinusoidal_plane_positions(2, 3, 0), "0 features");
  EXPECT_ERROR(nn::sinusoidal_plane_positions(0, 3, 8), "sinusoidal positions [0, 4]");
}

}  // namespace
}  // namespace attend
