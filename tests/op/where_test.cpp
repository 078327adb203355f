#include "attend/op/where.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_integers;
using test::random_tensor;

Tensor random_mask(const Shape& shape) {
  return random_integers(shape, 2, 9, DType::boolean);
}

TEST(Where, AgreesWithPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    EXPECT_TRUE(test::golden_matches("operations.safetensors", "where",
                                     [](const Tensors& x) { return Tensors{op::where(x[0], x[1], x[2])}; },
                                     {.dtype = dtype}));
}

TEST(Where, ChoosesElementByElementForEveryDtypeSizeAndBroadcast) {
  for (const DType dtype :
       {DType::f32, DType::bf16, DType::f64, DType::i32, DType::i64, DType::u8, DType::boolean})
    for (const std::int64_t n : {1, 7, 64, 65, 1000})
      for (const auto& [mask_shape, a_shape, b_shape] :
           std::vector<std::array<Shape, 3>>{{Shape{3, n}, Shape{3, n}, Shape{3, n}},
                                             {Shape{3, n}, Shape{3, n}, Shape{}},
                                             {Shape{n}, Shape{3, 1}, Shape{3, n}},
                                             {Shape{3, 1}, Shape{n}, Shape{1, 1}}}) {
        const Tensor mask = random_mask(mask_shape), a = random_integers(a_shape, 200, 1, dtype),
                     b = random_integers(b_shape, 200, 2, dtype);
        const Tensor y = op::where(mask, a, b);
        ASSERT_TRUE(y.shape() == (Shape{3, n}));
        const auto m = op::expand(mask, y.shape()).to_vector<std::int32_t>();
        const auto pa = op::expand(a, y.shape()).to_vector<std::int64_t>(),
                   pb = op::expand(b, y.shape()).to_vector<std::int64_t>(), py = y.to_vector<std::int64_t>();
        for (std::size_t i = 0; i < py.size(); ++i) ASSERT_EQ(py[i], m[i] != 0 ? pa[i] : pb[i]);
      }
}

TEST(Where, GradientsMatchFiniteDifferences) {
  const Tensor mask = random_mask({2, 3, 4});
  const auto choose = [&](const Tensors& x) { return Tensors{op::where(mask, x[0], x[1])}; };
  EXPECT_TRUE(test::gradients_match(
      choose, {random_tensor({3, 4}, DType::f64, 1), random_tensor({2, 1, 1}, DType::f64, 2)}));
  const auto turned = [&](const Tensors& x) {
    return Tensors{op::transpose(op::where(op::transpose(mask), op::transpose(x[0]), x[1]))};
  };
  EXPECT_TRUE(test::gradients_match(
      turned, {random_tensor({2, 3, 4}, DType::f64, 1), random_tensor({3}, DType::f64, 2)}));
}

TEST(Where, WhatIsNotChosenHasNoInfluence) {
  const Tensor bad = Tensor::full({2}, NAN), good = Tensor::full({2}, 3);
  const Tensor all = Tensor::full({2}, 1, DType::boolean);
  autograd::set_requires_grad(bad);
  autograd::set_requires_grad(good);
  const Tensor y = op::where(all, good, bad);
  autograd::backward(y, Tensor::full({2}, 5));
  EXPECT_TRUE(test::same_bits(y, Tensor::full({2}, 3)));
  EXPECT_TRUE(test::same_bits(autograd::grad(good), Tensor::full({2}, 5)));
  EXPECT_TRUE(test::same_bits(autograd::grad(bad), Tensor::zeros({2})));
}

TEST(Where, SameBitsForAnyNumberOfThreads) {
  const Tensor mask = random_mask({300, 257});
  EXPECT_TRUE(test::same_bits_for_threads(
      [&](const Tensors& x) { return Tensors{op::where(mask, x[0], x[1])}; },
      {random_tensor({300, 257}, DType::f32, 1), random_tensor({257}, DType::f32, 2)}));
}

TEST(Where, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({2, 3}), mask = Tensor::zeros({2, 3}, DType::boolean);
  EXPECT_ERROR(op::where(x, x, x), "where of mask f32 [2, 3], f32 [2, 3] and f32 [2, 3]: a bool mask needed");
  EXPECT_ERROR(op::where(mask, x, Tensor::zeros({2, 3}, DType::bf16)), "one dtype");
  EXPECT_ERROR(op::where(mask, x, Tensor::zeros({4})), "the shapes do not broadcast");
}

}  // namespace
}  // namespace attend
