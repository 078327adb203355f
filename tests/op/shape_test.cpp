#include "attend/op/shape.h"

#include <gtest/gtest.h>

#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
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

// 0, 1, 2 ... in f64.
Tensor counted(const Shape& shape) {
  std::vector<double> values(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  return Tensor::from(values, shape);
}

bool is_view(const Tensor& view, const Tensor& of) {
  return view.storage() == of.storage();
}

TEST(ShapeOperations, AgreeWithPyTorch) {
  const auto check = [](const char* name, const auto& function) {
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
      EXPECT_TRUE(test::golden_matches("operations.safetensors", name, function, {.dtype = dtype}));
  };
  check("permute_reshape", [](const Tensors& x) {
    return Tensors{op::reshape(op::permute(x[0], {2, 0, 1}), {6, 4})};
  });
  check("slice", [](const Tensors& x) { return Tensors{op::slice(x[0], 1, 1, 3)}; });
  check("split", [](const Tensors& x) { return op::split(x[0], 1, {1, 2, 1}); });
  check("concatenate", [](const Tensors& x) { return Tensors{op::concatenate(x, 1)}; });
  check("expand", [](const Tensors& x) { return Tensors{op::expand(x[0], {5, 3, 4})}; });
}

TEST(ShapeOperations, GradientsMatchFiniteDifferences) {
  const Tensors x = {random_tensor({3, 4, 2}, DType::f64, 1)};
  const std::vector<test::Function> functions = {
      [](const Tensors& t) {
        return Tensors{op::reshape(t[0], {2, 12})};
      },
      [](const Tensors& t) {
        return Tensors{op::reshape(op::transpose(t[0]), {4, 6})};
      },
      [](const Tensors& t) {
        return Tensors{op::permute(t[0], {2, 0, 1})};
      },
      [](const Tensors& t) { return Tensors{op::transpose(t[0], 0, -1)}; },
      [](const Tensors& t) { return Tensors{op::slice(t[0], -2, 1, 3)}; },
      [](const Tensors& t) {
        return op::split(t[0], 1, {1, 2, 1});
      },
      [](const Tensors& t) {
        return Tensors{op::concatenate({t[0], t[0], op::slice(t[0], 2, 0, 1)}, 2)};
      },
      [](const Tensors& t) {
        return Tensors{op::expand(op::reshape(t[0], {3, 1, 4, 2}), {2, 3, 5, 4, 2})};
      },
      [](const Tensors& t) { return Tensors{op::contiguous(op::transpose(t[0]))}; }};
  for (std::size_t i = 0; i < functions.size(); ++i) EXPECT_TRUE(test::gradients_match(functions[i], x)) << i;
}

TEST(Reshape, IsAViewWhereStridesAllowItAndRightWhereNot) {
  const Tensor x = counted({4, 6, 5});
  EXPECT_TRUE(is_view(op::reshape(x, {2, 2, 30}), x));
  EXPECT_TRUE(is_view(op::reshape(x, {1, 120, 1}), x));
  // [4, 6, 3] with gaps after each row: the first two axes merge and split, the last cannot join them.
  const Tensor gaps = op::slice(x, 2, 1, 4);
  EXPECT_TRUE(is_view(op::reshape(gaps, {24, 3}), x));
  EXPECT_TRUE(is_view(op::reshape(gaps, {2, 1, 12, 3, 1}), x));
  EXPECT_FALSE(is_view(op::reshape(gaps, {72}), x));
  const Tensor turned = op::transpose(x, 0, 1);
  EXPECT_TRUE(is_view(op::reshape(turned, {6, 2, 2, 5}), x));
  EXPECT_TRUE(is_view(op::reshape(turned, {3, 2, 4, 1, 5}), x));
  EXPECT_FALSE(is_view(op::reshape(turned, {24, 5}), x));
  for (const Tensor& view : {gaps, turned, op::expand(op::slice(x, 0, 0, 1), {4, 6, 5})})
    for (const Shape& shape :
         {Shape{view.elements()}, Shape{2, view.elements() / 2}, Shape{view.elements() / 3, 1, 3},
          Shape{2, 2, view.elements() / 4}, Shape{6, view.elements() / 6}})
      EXPECT_TRUE(test::same_bits(op::reshape(view, shape), op::reshape(view.clone(), shape)))
          << shape.text();
}

TEST(Permute, MovesAxes) {
  const Tensor x = counted({2, 3, 4}), y = op::permute(x, {-1, 0, 1});
  EXPECT_TRUE(is_view(y, x));
  EXPECT_TRUE(y.shape() == (Shape{4, 2, 3}));
  const auto in = x.to_vector<double>(), out = y.to_vector<double>();
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(out[(k * 2 + i) * 3 + j], in[(i * 3 + j) * 4 + k]);
  EXPECT_TRUE(test::same_bits(op::transpose(x), op::permute(x, {0, 2, 1})));
}

TEST(Split, PiecesAreViewsOfOneOperationAndMissingGradientsCountAsZero) {
  const Tensor x = counted({2, 6});
  autograd::set_requires_grad(x);
  const Tensors pieces = op::split(x, -1, {1, 0, 3, 2});
  ASSERT_EQ(pieces.size(), 4u);
  for (const Tensor& piece : pieces) EXPECT_TRUE(is_view(piece, x));
  EXPECT_EQ(pieces[2].to_vector<double>(), (std::vector<double>{1, 2, 3, 7, 8, 9}));
  EXPECT_TRUE(pieces[1].shape() == (Shape{2, 0}));
  autograd::backward(pieces[3], Tensor::from(std::vector<double>{1, 2, 3, 4}, {2, 2}));
  EXPECT_EQ(autograd::grad(x).to_vector<double>(), (std::vector<double>{0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 3, 4}));
}

TEST(Concatenate, IsTheInverseOfSplitForEveryDtypeAndAxis) {
  for (const DType dtype :
       {DType::f32, DType::bf16, DType::f64, DType::i32, DType::i64, DType::u8, DType::boolean}) {
    const Tensor x = random_integers({5, 4, 6}, 2, 1, dtype);
    for (int axis = 0; axis < 3; ++axis) {
      const std::int64_t n = x.dim(axis);
      EXPECT_TRUE(test::same_bits(op::concatenate(op::split(x, axis, {1, n - 3, 0, 2}), axis - 3), x));
    }
    const Tensor turned = op::transpose(x);
    EXPECT_TRUE(test::same_bits(op::concatenate(op::split(turned, 1, {2, 4}), 1), turned));
  }
}

TEST(Slice, OfNothingAndOfEverything) {
  const Tensor x = counted({3, 4});
  EXPECT_TRUE(op::slice(x, 0, 3, 3).shape() == (Shape{0, 4}));
  EXPECT_TRUE(test::same_bits(op::slice(x, 1, 0, 4), x));
  autograd::set_requires_grad(x);
  autograd::backward(op::slice(x, 1, 4, 4), Tensor::zeros({3, 0}, DType::f64));
  EXPECT_TRUE(test::same_bits(autograd::grad(x), Tensor::zeros({3, 4}, DType::f64)));
}

TEST(Contiguous, CopiesOnlyWhatHasGaps) {
  const Tensor x = counted({3, 4});
  EXPECT_TRUE(op::contiguous(x).same_object(x));
  const Tensor turned = op::contiguous(op::transpose(x));
  EXPECT_TRUE(turned.is_contiguous());
  EXPECT_FALSE(is_view(turned, x));
  EXPECT_TRUE(test::same_bits(turned, op::transpose(x)));
}

TEST(ShapeOperations, NameWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({2, 3});
  EXPECT_ERROR(op::reshape(x, {4}), "reshape of f32 [2, 3] to [4]: 6 elements against 4");
  EXPECT_ERROR(op::permute(x, {0, 0}), "permute of f32 [2, 3] by axes [0, 0]");
  EXPECT_ERROR(op::permute(x, {0}), "permute of f32 [2, 3] by axes [0]");
  EXPECT_ERROR(op::permute(x, {0, 2}), "permute of f32 [2, 3] by axes [0, 2]");
  EXPECT_ERROR(op::transpose(x, 0, 2), "axis 2");
  EXPECT_ERROR(op::transpose(Tensor::zeros({2})), "axis -2");
  EXPECT_ERROR(op::slice(x, 1, 2, 4), "slice [2, 4) of axis 1 of f32 [2, 3]");
  EXPECT_ERROR(op::slice(x, 1, -1, 2), "slice [-1, 2)");
  EXPECT_ERROR(op::slice(x, 1, 2, 1), "slice [2, 1)");
  EXPECT_ERROR(op::split(x, 1, {1, 1}),
               "split of axis 1 of f32 [2, 3] into [1, 1]: the sizes must add up to 3");
  EXPECT_ERROR(op::split(x, 1, {4, -1}), "into [4, -1]");
  EXPECT_ERROR(op::split(x, 1, {}), "into []");
  EXPECT_ERROR(op::concatenate({}, 0), "at least one");
  EXPECT_ERROR(op::concatenate({x, Tensor::zeros({2, 4})}, 0),
               "concatenate of f32 [2, 3] and f32 [2, 4] along axis 0");
  EXPECT_ERROR(op::concatenate({x, Tensor::zeros({2, 3}, DType::bf16)}, 0), "bf16 [2, 3]");
  EXPECT_ERROR(op::expand(x, {2, 4}), "expand of f32 [2, 3]: it does not broadcast to [2, 4]");
  EXPECT_ERROR(op::expand(x, {3}), "it does not broadcast to [3]");
}

TEST(Cast, ConvertsAndLetsGradientsThroughBetweenFloatingDtypes) {
  const Tensor x = Tensor::from(std::vector<float>{1.5f, -2.0f, 0.0f, 3.999f}, {4});
  EXPECT_TRUE(op::cast(x, DType::f32).same_object(x));
  EXPECT_EQ(op::cast(x, DType::i32).to_vector<std::int32_t>(), (std::vector<std::int32_t>{1, -2, 0, 3}));
  EXPECT_EQ(op::cast(x, DType::boolean).to_vector<std::int32_t>(), (std::vector<std::int32_t>{1, 1, 0, 1}));
  EXPECT_EQ(op::cast(x, DType::bf16).to_vector<double>(), (std::vector<double>{1.5, -2, 0, 4}));
  autograd::set_requires_grad(x);
  EXPECT_FALSE(autograd::requires_grad(op::cast(x, DType::i64)));
  for (const DType dtype : {DType::bf16, DType::f64}) {
    autograd::clear_grad(x);
    autograd::backward(op::scale(op::cast(x, dtype), 3), Tensor::full({4}, 0.5, dtype));
    EXPECT_TRUE(test::same_bits(autograd::grad(x), Tensor::full({4}, 1.5)));
  }
}

}  // namespace
}  // namespace attend
