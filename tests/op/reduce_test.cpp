#include "attend/op/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attend/op/shape.h"
#include "op/column_sum.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/precision_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_tensor;

using Reduce = Tensor (*)(const Tensor&, const op::ReduceOptions&);

test::Function function_of(Reduce reduce, const op::ReduceOptions& options) {
  return [=](const Tensors& x) { return Tensors{reduce(x[0], options)}; };
}
Tensor largest(const Tensor& x, const op::ReduceOptions& options) {
  return op::maximum(x, options);
}

// All subsets of three axes.
std::vector<std::vector<int>> subsets() {
  return {{0}, {1}, {-1}, {0, 1}, {2, 0}, {1, -1}, {0, 1, 2}, {}};
}

// The sum or maximum by one loop over all elements.
std::vector<double> by_definition(const Tensor& x, const std::vector<int>& axes, bool largest_one) {
  std::array<bool, 3> reduced{};
  for (const int axis : axes) reduced[static_cast<std::size_t>(x.shape().normalise(axis))] = true;
  if (axes.empty()) reduced.fill(true);
  Shape kept;
  for (int i = 0; i < 3; ++i) kept.append(reduced[static_cast<std::size_t>(i)] ? 1 : x.shape()[i]);
  const Shape strides = row_major_strides(kept);
  std::vector<double> result(static_cast<std::size_t>(kept.elements()), largest_one ? -INFINITY : 0);
  const auto values = x.to_vector<double>();
  std::size_t next = 0;
  for (std::int64_t i = 0; i < x.dim(0); ++i)
    for (std::int64_t j = 0; j < x.dim(1); ++j)
      for (std::int64_t k = 0; k < x.dim(2); ++k, ++next) {
        std::int64_t place = 0;
        if (!reduced[0]) place += i * strides[0];
        if (!reduced[1]) place += j * strides[1];
        if (!reduced[2]) place += k * strides[2];
        double& sum = result[static_cast<std::size_t>(place)];
        sum = largest_one ? std::max(sum, values[next]) : sum + values[next];
      }
  return result;
}

TEST(Reduce, AgreesWithPyTorch) {
  const auto check = [](const char* name, Reduce reduce, const op::ReduceOptions& options) {
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
      EXPECT_TRUE(test::golden_matches("operations.safetensors", name, function_of(reduce, options),
                                       {.dtype = dtype}));
  };
  check("sum", op::sum, {});
  check("sum_1_3", op::sum, {.axes = {1, 3}});
  check("sum_0_keep", op::sum, {.axes = {0}, .keep_axes = true});
  check("mean_0_2", op::mean, {.axes = {0, -2}});
  check("amax_1", largest, {.axes = {1}});
  check("amax_tie", largest, {.axes = {0, 1}});
}

TEST(Reduce, IsItsDefinitionOverEverySubsetOfAxes) {
  for (const Shape& shape :
       {Shape{2, 3, 4}, Shape{1, 65, 1}, Shape{3, 1, 300}, Shape{600, 2, 17}, Shape{2, 1, 40000}}) {
    const Tensor x = random_tensor(shape, DType::f64, 1);
    for (const auto& axes : subsets()) {
      const auto sum = op::sum(x, {.axes = axes}).to_vector<double>(),
                 expected = by_definition(x, axes, false);
      const auto most = op::maximum(x, {.axes = axes}).to_vector<double>(),
                 most_expected = by_definition(x, axes, true);
      const auto mean = op::mean(x, {.axes = axes, .keep_axes = true}).to_vector<double>();
      ASSERT_EQ(sum.size(), expected.size());
      const double count = static_cast<double>(x.elements()) / static_cast<double>(sum.size());
      for (std::size_t i = 0; i < sum.size(); ++i) {
        ASSERT_NEAR(sum[i], expected[i], 1e-10) << shape.text();
        ASSERT_NEAR(mean[i], expected[i] / count, 1e-12) << shape.text();
        ASSERT_EQ(most[i], most_expected[i]) << shape.text();
      }
    }
  }
}

TEST(Reduce, ShapesFollowTheOptions) {
  const Tensor x = Tensor::zeros({2, 3, 4});
  EXPECT_TRUE(op::sum(x).shape() == Shape());
  EXPECT_TRUE(op::sum(x, {.keep_axes = true}).shape() == (Shape{1, 1, 1}));
  EXPECT_TRUE(op::mean(x, {.axes = {-2}}).shape() == (Shape{2, 4}));
  EXPECT_TRUE(op::maximum(x, {.axes = {2, 0}, .keep_axes = true}).shape() == (Shape{1, 3, 1}));
  EXPECT_TRUE(op::sum(Tensor::full({}, 7)).shape() == Shape());
}

TEST(Reduce, GradientsMatchFiniteDifferences) {
  for (const Shape& shape : {Shape{2, 3, 4}, Shape{1, 5, 1}})
    for (const auto& axes : subsets())
      for (const Reduce reduce : {Reduce(op::sum), Reduce(op::mean), Reduce(largest)})
        for (const bool keep : {false, true})
          EXPECT_TRUE(test::gradients_match(function_of(reduce, {axes, keep}),
                                            {random_tensor(shape, DType::f64, 2)}));
}

TEST(Reduce, SinglePrecisionAndBf16FollowTheDefinition) {
  for (const std::int64_t n : {1, 7, 63, 64, 65, 257, 1000})
    for (const auto& axes : subsets())
      for (const Reduce reduce : {Reduce(op::mean), Reduce(largest)}) {
        // Distinct multiples of 1/128 within a column, so that bf16 has no ties that f64 has not.
        EXPECT_TRUE(test::follows_double_precision(function_of(reduce, {.axes = axes}),
                                                   {random_tensor({2, n, 3}, DType::f64, 3)}))
            << n;
      }
  // 100,000 numbers whose sum a bf16 or a naive f32 accumulator would lose.
  const Tensor ones = Tensor::full({100000}, 1, DType::bf16);
  EXPECT_EQ(op::mean(ones).item(), 1);
  EXPECT_EQ(op::sum(Tensor::full({100000}, 0.125)).item(), 12500);
}

TEST(Reduce, ReadsStridedAndRepeatedInputs) {
  const Tensor x = random_tensor({4, 5, 6}, DType::f64, 1);
  for (const auto& axes : subsets()) {
    const Tensor view = op::permute(x, {2, 0, 1}), part = op::slice(x, 2, 1, 4),
                 repeated = op::expand(part, {2, 4, 5, 3});
    for (const Tensor& strided : {view, part, repeated})
      EXPECT_TRUE(
          test::same_bits(op::sum(strided, {.axes = axes}), op::sum(strided.clone(), {.axes = axes})));
  }
}

TEST(Reduce, SameBitsForAnyNumberOfThreads) {
  const std::vector<std::vector<int>> all_axes = {{}, {0}, {1}};
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const auto& axes : all_axes)
      EXPECT_TRUE(test::same_bits_for_threads(function_of(op::sum, {.axes = axes}),
                                              {random_tensor({1000, 301}, dtype, 1)}));
}

TEST(Reduce, NaNIsSeen) {
  for (const std::int64_t place : {0, 1, 64, 99}) {
    const Tensor x = random_tensor({100}, DType::f32, 1);
    x.data<float>()[place] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(op::maximum(x).item())) << place;
    EXPECT_TRUE(std::isnan(op::sum(x).item())) << place;
    EXPECT_TRUE(std::isnan(op::maximum(op::reshape(x, {100, 1}), {.axes = {0}}).item())) << place;
    EXPECT_TRUE(std::isnan(
        op::maximum(op::expand(op::reshape(x, {100, 1}), {100, 3}), {.axes = {0}}).to_vector<double>()[2]));
  }
}

TEST(Reduce, NothingSumsToZeroAndHasNoMaximum) {
  const Tensor x = Tensor::zeros({0, 3});
  EXPECT_TRUE(test::same_bits(op::sum(x, {.axes = {0}}), Tensor::zeros({3})));
  EXPECT_TRUE(std::isnan(op::mean(x).item()));
  EXPECT_ERROR(op::maximum(x), "maximum of f32 [0, 3]: over no elements");
}

TEST(Reduce, ResultsHaveMemoryOfTheirOwn) {
  const Tensor x = Tensor::full({1, 2}, 3);
  const Tensor y = op::sum(x, {.axes = {0}});
  x.data<float>()[0] = 5;
  EXPECT_EQ(y.to_vector<double>()[0], 3);
}

TEST(Reduce, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({2, 3});
  EXPECT_ERROR(op::sum(x, {.axes = {2}}), "axis 2");
  EXPECT_ERROR(op::mean(x, {.axes = {1, -1}}), "mean of f32 [2, 3]: axis -1 is named twice");
  EXPECT_ERROR(op::sum(Tensor::zeros({2}, DType::i32)), "sum of i32 [2]");
}

TEST(ColumnSum, IsTheSumOverTheRowsInSinglePrecision) {
  for (const std::int64_t rows : {1, 255, 257, 1000})
    for (const std::int64_t columns : {1, 17, 200}) {
      const Tensor x = random_tensor({rows, columns}, DType::bf16, 1);
      const Tensor sum = op::column_sum(x);
      EXPECT_EQ(sum.dtype(), DType::f32);
      const Tensor wide = random_tensor({rows, columns}, DType::f64, 1);
      const auto values = x.to_vector<double>();
      std::vector<double> expected(static_cast<std::size_t>(columns));
      for (std::size_t i = 0; i < values.size(); ++i) expected[i % expected.size()] += values[i];
      EXPECT_TRUE(test::close(sum, Tensor::from(expected, {columns}), 1e-5, 1e-4));
    }
}

}  // namespace
}  // namespace attend
