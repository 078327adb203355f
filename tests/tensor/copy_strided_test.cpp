#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "attend/base/parallel.h"
#include "support/compare.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using test::random_integers;

Tensor permuted(const Tensor& x, const std::vector<int>& axes) {
  Shape shape, strides;
  for (const int axis : axes) {
    shape.append(x.shape()[axis]);
    strides.append(x.strides()[axis]);
  }
  return x.view_as(shape, strides);
}

// The elements of a view in row-major order, one by one.
std::vector<std::int64_t> walked(const Tensor& x) {
  std::vector<std::int64_t> result;
  const auto all = x.view_as({static_cast<std::int64_t>(x.storage()->bytes() / size_of(x.dtype()))}, {1})
                       .to_vector<std::int64_t>();
  std::vector<std::int64_t> place(static_cast<std::size_t>(x.rank()));
  for (std::int64_t n = 0; n < x.elements(); ++n) {
    std::int64_t offset = 0;
    for (int i = 0; i < x.rank(); ++i) offset += place[static_cast<std::size_t>(i)] * x.strides()[i];
    result.push_back(all[static_cast<std::size_t>(offset)]);
    for (int i = x.rank() - 1; i >= 0 && ++place[static_cast<std::size_t>(i)] == x.shape()[i]; --i)
      place[static_cast<std::size_t>(i)] = 0;
  }
  return result;
}

TEST(Clone, OfEveryPermutationAndDtypeIsTheElementsInOrder) {
  for (const DType dtype : {DType::u8, DType::bf16, DType::f32, DType::f64})
    for (const Shape& shape : {Shape{2, 3, 4, 5}, Shape{17, 1, 33, 2}, Shape{3, 40, 1, 70}}) {
      const Tensor x = random_integers(shape, 250, 1, dtype);
      std::vector<int> axes = {0, 1, 2, 3};
      do {
        const Tensor view = permuted(x, axes);
        ASSERT_EQ(view.clone().to_vector<std::int64_t>(), walked(view));
        const Tensor back = Tensor::zeros(shape, dtype);
        permuted(back, axes).copy_from(view.clone());
        ASSERT_TRUE(test::same_bits(back, x));
      } while (std::ranges::next_permutation(axes).found);
    }
}

TEST(Clone, OfRepeatedAndPartialViews) {
  const Tensor x = random_integers({50, 60}, 1000, 1);
  for (const Tensor& view : {x.view_as({50, 7, 60}, {60, 0, 1}), x.view_as({60, 50}, {0, 0}),
                             x.view_as({60, 50, 3}, {1, 60, 0}), x.view_as({20, 30}, {120, 2}),
                             x.view_as({}, {}), x.view_as({1, 1, 5}, {7, 9, 3}), x.view_as({0, 4}, {4, 1})})
    EXPECT_EQ(view.clone().to_vector<std::int64_t>(), walked(view)) << view.text();
}

TEST(CopyFrom, IntoAPartWritesNothingElse) {
  for (const DType dtype : {DType::u8, DType::bf16, DType::f32, DType::f64}) {
    const Tensor whole = Tensor::full({6, 8, 5}, 255, dtype), part = whole.view_as({3, 4, 2}, {80, 5, 2}, 47);
    const Tensor values = random_integers({3, 4, 2}, 250, 2, dtype);
    part.copy_from(values);
    std::vector<std::int64_t> expected(6 * 8 * 5, 255);
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 4; ++j)
        for (std::size_t k = 0; k < 2; ++k)
          expected[47 + i * 80 + j * 5 + k * 2] = values.to_vector<std::int64_t>()[(i * 4 + j) * 2 + k];
    // bf16 has 255 among its numbers, as it has all up to 256.
    EXPECT_EQ(whole.to_vector<std::int64_t>(), expected) << name_of(dtype);
  }
}

TEST(Clone, OfLargeTransposedTensorsForAnyNumberOfThreads) {
  const Tensor x = random_integers({3, 401, 517}, 1 << 30, 1);
  const int before = threads();
  for (const int count : {1, 2}) {
    set_threads(count);
    for (const auto& axes : {std::vector<int>{0, 2, 1}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}}) {
      const Tensor view = permuted(x, axes);
      ASSERT_EQ(view.clone().to_vector<std::int64_t>(), walked(view));
    }
    ASSERT_TRUE(test::same_bits(x.clone(), x));
  }
  set_threads(before);
}

}  // namespace
}  // namespace attend
