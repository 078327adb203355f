#include "attend/op/gather.h"

#include <gtest/gtest.h>

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

test::Function along(int axis, const Tensor& indices) {
  return [=](const Tensors& x) { return Tensors{op::gather(x[0], axis, indices)}; };
}

TEST(Gather, AgreesWithPyTorch) {
  const auto function = [](const Tensors& x) { return Tensors{op::gather(x[0], 1, x[1])}; };
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    for (const char* name : {"gather", "index_select"})
      EXPECT_TRUE(test::golden_matches("operations.safetensors", name, function, {.dtype = dtype}));
}

TEST(Gather, PicksElementByElementForEveryDtypeAndAxis) {
  for (const DType dtype :
       {DType::f32, DType::bf16, DType::f64, DType::i32, DType::i64, DType::u8, DType::boolean})
    for (const DType index_dtype : {DType::i32, DType::i64})
      for (int axis = 0; axis < 3; ++axis) {
        const Tensor x = random_integers({5, 7, 3}, 200, 1, dtype);
        Shape shape = x.shape();
        shape.set(axis, 11);
        const Tensor indices = random_integers(shape, x.dim(axis), 2, index_dtype);
        const Tensor y = op::gather(x, axis - 3, indices);
        ASSERT_TRUE(y.shape() == shape);
        const auto in = x.to_vector<std::int64_t>(), index = indices.to_vector<std::int64_t>(),
                   out = y.to_vector<std::int64_t>();
        const Shape strides = x.strides();
        std::size_t next = 0;
        for (std::int64_t i = 0; i < shape[0]; ++i)
          for (std::int64_t j = 0; j < shape[1]; ++j)
            for (std::int64_t k = 0; k < shape[2]; ++k, ++next) {
              Shape place{i, j, k};
              place.set(axis, index[next]);
              ASSERT_EQ(
                  out[next],
                  in[static_cast<std::size_t>(place[0] * strides[0] + place[1] * strides[1] + place[2])]);
            }
      }
}

TEST(Gather, IndicesOfSizeOneAreSharedAlongTheOtherAxes) {
  const Tensor x = random_tensor({4, 6, 5}, DType::f32, 1);
  const Tensor rows = random_integers({1, 9, 1}, 6, 2);
  EXPECT_TRUE(test::same_bits(op::gather(x, 1, rows), op::gather(x, 1, op::expand(rows, {4, 9, 5}))));
  const Tensor last = random_integers({4, 1, 1}, 6, 3);
  EXPECT_TRUE(test::same_bits(op::gather(x, 1, last), op::gather(x, 1, op::expand(last, {4, 1, 5}))));
}

TEST(Gather, GradientsMatchFiniteDifferences) {
  const Tensors x = {random_tensor({3, 4, 2}, DType::f64, 1)};
  EXPECT_TRUE(test::gradients_match(along(1, random_integers({3, 6, 2}, 4, 1)), x));
  EXPECT_TRUE(test::gradients_match(along(-1, random_integers({3, 4, 5}, 2, 2)), x));
  EXPECT_TRUE(test::gradients_match(along(0, random_integers({7, 1, 1}, 3, 3)), x));
  const Tensor indices = random_integers({2, 6, 1}, 4, 4);
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& t) {
        return Tensors{op::transpose(op::gather(op::transpose(t[0], 0, 2), 1, indices))};
      },
      x));
}

TEST(Gather, ManyPicksOfOneRowAreSummedInSinglePrecision) {
  const Tensor x = Tensor::zeros({2, 300}, DType::bf16);
  autograd::set_requires_grad(x);
  autograd::backward(op::gather(x, 0, Tensor::zeros({1000, 1}, DType::i32)),
                     Tensor::full({1000, 300}, 1, DType::bf16));
  const auto dx = autograd::grad(x).to_vector<double>();
  for (std::size_t i = 0; i < 300; ++i) {
    EXPECT_EQ(dx[i], 1000);
    EXPECT_EQ(dx[300 + i], 0);
  }
  for (const std::int64_t n : {1, 63, 65, 1000})
    EXPECT_TRUE(test::follows_double_precision(along(0, random_integers({9, n}, 4, 1)),
                                               {random_tensor({4, n}, DType::f64, 2)}));
}

TEST(Gather, TheIndicesMayChangeAfterTheCall) {
  const Tensor x = Tensor::zeros({3}), indices = Tensor::from(std::vector<std::int64_t>{1}, {1});
  autograd::set_requires_grad(x);
  const Tensor y = op::gather(x, 0, indices);
  indices.data<std::int64_t>()[0] = 1 << 20;
  autograd::backward(y);
  EXPECT_EQ(autograd::grad(x).to_vector<double>(), (std::vector<double>{0, 1, 0}));
}

TEST(Gather, SameBitsForAnyNumberOfThreads) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    EXPECT_TRUE(test::same_bits_for_threads(along(0, random_integers({5000, 1}, 50, 1)),
                                            {random_tensor({50, 600}, dtype, 2)}));
    EXPECT_TRUE(test::same_bits_for_threads(along(1, random_integers({300, 400}, 50, 1)),
                                            {random_tensor({300, 50}, dtype, 2)}));
  }
}

TEST(Gather, OfNothing) {
  const Tensor x = Tensor::zeros({3, 2});
  autograd::set_requires_grad(x);
  const Tensor y = op::gather(x, 0, Tensor::zeros({0, 2}, DType::i32));
  EXPECT_TRUE(y.shape() == (Shape{0, 2}));
  autograd::backward(y, Tensor::zeros({0, 2}));
  EXPECT_TRUE(test::same_bits(autograd::grad(x), Tensor::zeros({3, 2})));
}

TEST(Gather, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({2, 3});
  EXPECT_ERROR(op::gather(x, 0, Tensor::full({1, 3}, 2, DType::i32)),
               "gather of f32 [2, 3] along axis 0 by indices i32 [1, 3]: index 2 is not in [0, 2)");
  EXPECT_ERROR(op::gather(x, 1, Tensor::full({2, 1}, -1, DType::i64)), "index -1 is not in [0, 3)");
  EXPECT_ERROR(op::gather(x, 0, Tensor::zeros({1, 3})), "i32 or i64 indices needed");
  EXPECT_ERROR(op::gather(x, 0, Tensor::zeros({3}, DType::i32)), "indices of x's rank");
  EXPECT_ERROR(op::gather(x, 0, Tensor::zeros({1, 2}, DType::i32)), "on the other axes");
}

}  // namespace
}  // namespace attend
