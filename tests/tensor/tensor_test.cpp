#include "attend/tensor/tensor.h"

#include <gtest/gtest.h>

#include <limits>

#include "attend/base/error.h"

namespace attend {
namespace {

TEST(Shape, CountsElementsAndRefusesOverflow) {
  EXPECT_EQ((Shape{2, 3, 4}).elements(), 24);
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ((Shape{5, 0}).elements(), 0);
  EXPECT_THROW((Shape{std::int64_t{1} << 40, std::int64_t{1} << 40}).elements(), Error);
  EXPECT_THROW((Shape{-1}), Error);
}

TEST(Shape, BroadcastsLikeNumPy) {
  EXPECT_EQ(broadcast({2, 1, 3}, {4, 1}), (Shape{2, 4, 3}));
  EXPECT_EQ(broadcast({}, {7}), (Shape{7}));
  EXPECT_THROW(broadcast({2}, {3}), Error);
}

TEST(Tensor, ViewsShareMemoryAndStayInside) {
  const Tensor t = Tensor::from(std::vector<float>{0, 1, 2, 3, 4, 5}, {2, 3});
  const Tensor columns = t.view_as({3, 2}, {1, 3});
  EXPECT_EQ(columns.to_vector<float>(), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_FALSE(columns.is_contiguous());
  t.data<float>()[1] = 9;
  EXPECT_EQ(columns.to_vector<float>()[2], 9);
  EXPECT_EQ(columns.clone().to_vector<float>(), columns.to_vector<float>());
  EXPECT_THROW(t.view_as({2, 4}, {3, 1}), Error);
  EXPECT_THROW(t.view_as({2}, {1}, 5), Error);
}

TEST(Tensor, RefusesWrongTypesCountsAndUndefinedUse) {
  const Tensor t = Tensor::zeros({2});
  EXPECT_THROW(t.data<double>(), Error);
  EXPECT_THROW(Tensor::from(std::vector<float>{1}, {2}), Error);
  EXPECT_THROW(Tensor().shape(), Error);
  EXPECT_THROW(t.item(), Error);
  EXPECT_THROW(Tensor::empty({std::int64_t{1} << 60}), Error);
}

TEST(BFloat16, RoundsToNearestEvenAndKeepsNaN) {
  EXPECT_EQ(BFloat16(1.0F).bits, 0x3f80);
  EXPECT_EQ(BFloat16(1.00390625F).bits, 0x3f80);  // halfway between 0x3f80 and 0x3f81: to even
  EXPECT_EQ(BFloat16(1.01171875F).bits, 0x3f82);  // halfway between 0x3f81 and 0x3f82: to even
  const auto nan = static_cast<float>(BFloat16(std::numeric_limits<float>::quiet_NaN()));
  EXPECT_TRUE(nan != nan);
  EXPECT_EQ(static_cast<float>(BFloat16(std::numeric_limits<float>::infinity())),
            std::numeric_limits<float>::infinity());
}

TEST(Memory, CountsCurrentAndPeakAndReuses) {
  release_cached_memory();
  const std::int64_t start = memory_use().current;
  reset_peak_memory();
  {
    const Tensor a = Tensor::empty({1 << 20});
    EXPECT_GE(memory_use().current - start, 4 << 20);
  }
  EXPECT_EQ(memory_use().current, start);
  EXPECT_GE(memory_use().peak - start, 4 << 20);
  const std::int64_t cached = memory_use().cached;
  EXPECT_GE(cached, 4 << 20);
  const Tensor b = Tensor::empty({1 << 20});
  EXPECT_LT(memory_use().cached, cached);
}

}  // namespace
}  // namespace attend
