#include "attend/tensor/tensor.h"

#include <gtest/gtest.h>

#include <limits>

#include "attend/base/error.h"
#include "support/expect_error.h"

namespace attend {
namespace {

TEST(Shape, CountsElementsAndRefusesOverflow) {
  EXPECT_EQ((Shape{2, 3, 4}).elements(), 24);
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ((Shape{5, 0}).elements(), 0);
  EXPECT_THROW((Shape{std::int64_t{1} << 40, std::int64_t{1} << 40}).elements(), Error);
  EXPECT_THROW((Shape{-1}), Error);
}

TEST(Shape, CountsAxesFromEitherEnd) {
  const Shape shape = {2, 3, 4};
  for (int axis = 0; axis < 3; ++axis) {
    EXPECT_EQ(shape.dim(axis), axis + 2);
    EXPECT_EQ(shape.dim(axis - 3), axis + 2);
  }
  EXPECT_ERROR(shape.dim(3), "axis 3 of a tensor of shape [2, 3, 4]");
  EXPECT_ERROR(shape.dim(-4), "axis -4");
  EXPECT_ERROR(Shape{}.dim(0), "it has 0 axes");
}

TEST(Shape, HasRowMajorStrides) {
  EXPECT_EQ(row_major_strides({2, 3, 4}), (Shape{12, 4, 1}));
  EXPECT_EQ(row_major_strides({2, 0, 4}), (Shape{4, 4, 1}));
  EXPECT_EQ(row_major_strides({}), Shape{});
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

TEST(Tensor, ViewsOfViewsCountFromTheView) {
  const Tensor t = Tensor::from(std::vector<float>{0, 1, 2, 3, 4, 5}, {6}), tail = t.view_as({4}, {1}, 2);
  EXPECT_EQ(tail.view_as({2}, {2}, 1).to_vector<float>(), (std::vector<float>{3, 5}));
  EXPECT_EQ(tail.view_as({2}, {1}, -2).to_vector<float>(), (std::vector<float>{0, 1}));
  EXPECT_EQ(tail.detach().to_vector<float>(), tail.to_vector<float>());
  EXPECT_EQ(tail.data<float>()[0], 2);
  EXPECT_THROW(tail.view_as({1}, {1}, -3), Error);
  EXPECT_THROW(tail.view_as({1}, {1}, 4), Error);
}

TEST(Tensor, IsContiguousWhereOnlyAxesOfSizeOneDiffer) {
  const Tensor t = Tensor::zeros({6, 6});
  EXPECT_TRUE(t.view_as({1, 6, 1, 6}, {7, 6, 99, 1}).is_contiguous());
  EXPECT_TRUE(t.view_as({0, 3}, {1, 9}).is_contiguous());
  EXPECT_TRUE(t.view_as({}, {}).is_contiguous());
  EXPECT_FALSE(t.view_as({6}, {6}).is_contiguous());
  EXPECT_FALSE(t.view_as({3, 3}, {6, 1}).is_contiguous());
  EXPECT_FALSE(t.view_as({2, 2}, {0, 1}).is_contiguous());
}

TEST(Tensor, FillsEveryElementOfMemoryThatWasUsedBefore) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64, DType::i32, DType::i64, DType::u8}) {
    for (const std::int64_t count : {1, 3, 1000, 5000}) {
      const auto n = static_cast<std::size_t>(count);
      EXPECT_EQ(Tensor::full({count}, 7, dtype).to_vector<double>(), std::vector<double>(n, 7));
      EXPECT_EQ(Tensor::zeros({count}, dtype).to_vector<double>(), std::vector<double>(n, 0));
    }
  }
}

TEST(Tensor, ClonesHaveMemoryOfTheirOwn) {
  const Tensor t = Tensor::full({3}, 1), copy = t.clone();
  t.data<float>()[1] = 5;
  EXPECT_EQ(copy.to_vector<float>(), (std::vector<float>{1, 1, 1}));
}

TEST(Tensor, CopiesNeedEqualShapesAndDtypes) {
  const Tensor t = Tensor::full({2, 3}, 1);
  EXPECT_ERROR(t.copy_from(Tensor::zeros({3, 2})), "copy of f32 [3, 2] into f32 [2, 3]");
  EXPECT_ERROR(t.copy_from(Tensor::zeros({2, 3}, DType::i32)), "copy of i32 [2, 3] into f32 [2, 3]");
  EXPECT_EQ(t.to_vector<float>(), std::vector<float>(6, 1));
}

TEST(Tensor, NeverReachesBeyondItsMemory) {
  EXPECT_ERROR(Tensor::over(Storage::allocate(8), {3}, DType::f32), "does not fit in 8 bytes");
  EXPECT_NO_THROW(Tensor::over(Storage::allocate(8), {2}, DType::f32));
  // Numbers of bytes that wrap around to 0.
  EXPECT_ERROR(Tensor::empty({std::int64_t{1} << 62}, DType::f32), "too large");
  EXPECT_ERROR(Tensor::empty({std::int64_t{1} << 61}, DType::f64), "too large");
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

TEST(Memory, IsAlignedForVectors) {
  for (const std::int64_t count : {1, 15, 100, 1025, 5000, 1 << 20})
    for (int i = 0; i < 3; ++i) {
      const Tensor first = Tensor::empty({count}), second = Tensor::empty({count});
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first.raw()) % 64, 0U) << count;
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second.raw()) % 64, 0U) << count;
    }
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
  EXPECT_GE(memory_use().current - start, 4 << 20);
  { const Tensor c = Tensor::empty({1 << 20}); }
  const std::int64_t peak = memory_use().peak;
  EXPECT_GE(peak - start, 8 << 20);
  const Tensor d = Tensor::empty({1 << 10});
  EXPECT_EQ(memory_use().peak, peak);
  reset_peak_memory();
  EXPECT_EQ(memory_use().peak, memory_use().current);
  release_cached_memory();
  EXPECT_EQ(memory_use().cached, 0);
}

}  // namespace
}  // namespace attend
