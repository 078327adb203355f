#include "attend/op/arithmetic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "attend/op/operators.h"
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
using test::random_tensor;

using Binary = Tensor (*)(const Tensor&, const Tensor&);

const std::map<std::string, Binary> kBinary = {{"add", op::add},         {"sub", op::subtract},
                                               {"mul", op::multiply},    {"div", op::divide},
                                               {"maximum", op::maximum}, {"minimum", op::minimum}};

test::Function function_of(Binary operation) {
  return [operation](const Tensors& x) { return Tensors{operation(x[0], x[1])}; };
}

double defined_as(const std::string& name, double a, double b) {
  if (name == "add") return a + b;
  if (name == "sub") return a - b;
  if (name == "mul") return a * b;
  if (name == "div") return a / b;
  return name == "maximum" ? std::max(a, b) : std::min(a, b);
}

TEST(Arithmetic, AgreesWithPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    for (const auto& [name, operation] : kBinary)
      EXPECT_TRUE(
          test::golden_matches("operations.safetensors", name, function_of(operation), {.dtype = dtype}));
    EXPECT_TRUE(test::golden_matches("operations.safetensors", "maximum_tie", function_of(op::maximum),
                                     {.dtype = dtype}));
    EXPECT_TRUE(test::golden_matches("operations.safetensors", "maximum_tie", function_of(op::minimum),
                                     {.dtype = dtype}));
  }
}

TEST(Arithmetic, BroadcastsAndDifferentiatesEveryPairOfShapes) {
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{3}, {3}},          {{2, 3}, {3}},          {{2, 3}, {2, 1}}, {{}, {2, 3}},
      {{4, 1, 3}, {2, 1}}, {{2, 3, 4}, {1, 3, 1}}, {{1}, {1, 1}},    {{2, 1, 2, 1, 2}, {3, 1, 3, 1}}};
  for (const auto& [name, operation] : kBinary)
    for (const auto& [left, right] : shapes) {
      // Apart by at least 1/2, so that no maximum has a corner within the step of the difference.
      const Tensors inputs = {random_tensor(left, DType::f64, 1, 0.5, 1),
                              random_tensor(right, DType::f64, 2, 1.5, 2)};
      EXPECT_TRUE(test::gradients_match(function_of(operation), inputs))
          << name << left.text() << right.text();
      EXPECT_TRUE(test::gradients_match(function_of(operation), {inputs[1], inputs[0]})) << name;
    }
}

TEST(Arithmetic, EveryElementIsTheDefinitionAtAwkwardSizes) {
  for (const std::int64_t n : {1, 2, 15, 63, 64, 65, 1000})
    for (const auto& [name, operation] : kBinary) {
      const Tensor a = random_tensor({3, n}, DType::f64, 3, 0.5, 2),
                   b = random_tensor({3, n}, DType::f64, 4, 0.5, 2);
      const auto x = a.to_vector<double>(), y = b.to_vector<double>(),
                 z = operation(a, b).to_vector<double>();
      for (std::size_t i = 0; i < z.size(); ++i) ASSERT_EQ(z[i], defined_as(name, x[i], y[i])) << name << i;
      EXPECT_TRUE(test::follows_double_precision(function_of(operation), {a, b})) << name << n;
      const Tensor column = random_tensor({3, 1}, DType::f64, 5, 0.5, 2),
                   row = random_tensor({n}, DType::f64, 6, 0.5, 2);
      // The gradient of a broadcast operand is a sum over up to 1,000 elements of size 4.
      const double tolerance = 1e-5 * std::sqrt(static_cast<double>(n));
      for (const Tensor& other : {column, row}) {
        EXPECT_TRUE(test::follows_double_precision(function_of(operation), {a, other},
                                                   {.dtype = DType::f32, .absolute = tolerance}))
            << name << n;
        EXPECT_TRUE(test::follows_double_precision(
            function_of(operation), {other, a},
            {.dtype = DType::bf16, .relative = 2e-2, .absolute = 2000 * tolerance}))
            << name << n;
      }
    }
}

TEST(Arithmetic, ReadsStridedOperands) {
  const Tensor a = random_tensor({70, 33}, DType::f32, 1), b = random_tensor({33, 70}, DType::f32, 2);
  const Tensor expected = op::add(a, op::transpose(b).clone());
  EXPECT_TRUE(test::same_bits(op::add(a, op::transpose(b)), expected));
  EXPECT_TRUE(test::same_bits(op::add(op::transpose(b), a), expected));
  EXPECT_TRUE(test::same_bits(op::transpose(op::add(op::transpose(a), b)), expected));
  const Tensor part = op::slice(a, 1, 3, 20), repeated = op::expand(op::slice(b, 0, 0, 1), {70, 70});
  EXPECT_TRUE(test::same_bits(op::multiply(part, part), op::multiply(part.clone(), part.clone())));
  EXPECT_TRUE(test::same_bits(op::subtract(repeated, op::transpose(repeated)),
                              op::subtract(repeated.clone(), op::transpose(repeated).clone())));
}

TEST(Arithmetic, NaNGoesThroughMaximumAndMinimumFromEitherSide) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor a = Tensor::from(std::vector<double>{nan, 1, nan}, {3}),
               b = Tensor::from(std::vector<double>{1, nan, nan}, {3});
  for (const Tensor& y : {op::maximum(a, b), op::minimum(a, b)})
    for (const double value : y.to_vector<double>()) EXPECT_TRUE(std::isnan(value));
}

TEST(Arithmetic, SameBitsForAnyNumberOfThreads) {
  for (const DType dtype : {DType::f32, DType::bf16})
    EXPECT_TRUE(test::same_bits_for_threads(
        function_of(op::multiply), {random_tensor({700, 130}, dtype, 1), random_tensor({130}, dtype, 2)}));
  EXPECT_TRUE(test::same_bits_for_threads(
      function_of(op::divide),
      {random_tensor({100001}, DType::f32, 1), random_tensor({1}, DType::f32, 2, 1, 2)}));
}

TEST(Arithmetic, EmptyTensorsGiveEmptyResults) {
  const Tensor empty = Tensor::zeros({0, 3}), row = Tensor::zeros({3});
  autograd::set_requires_grad(row);
  const Tensor y = op::add(empty, row);
  EXPECT_TRUE(y.shape() == (Shape{0, 3}));
  autograd::backward(y, Tensor::zeros({0, 3}));
  EXPECT_TRUE(test::same_bits(autograd::grad(row), Tensor::zeros({3})));
}

TEST(Arithmetic, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({2, 3});
  EXPECT_ERROR(op::add(x, Tensor::zeros({2, 4})),
               "add of f32 [2, 3] and f32 [2, 4]: the shapes do not broadcast");
  EXPECT_ERROR(op::divide(x, Tensor::zeros({3}, DType::bf16)),
               "divide of f32 [2, 3] and bf16 [3]: one dtype");
  EXPECT_ERROR(op::multiply(Tensor::zeros({2}, DType::i32), Tensor::zeros({2}, DType::i32)),
               "multiply of i32 [2]");
  EXPECT_ERROR(op::scale(Tensor::zeros({2}, DType::i64), 2), "scale of i64 [2]");
  EXPECT_ERROR(op::add(x, Tensor()), "undefined");
}

TEST(Operators, FollowTheFormulasAndTheirDerivatives) {
  const auto formula = [](const Tensors& x) {
    return Tensors{(x[0] + 1.0) * 2.0 - x[1] / 4.0 + 3.0 / x[1], 1.0 - x[0] * (-x[1]) + 0.5 * x[0] - 2.0,
                   2.0 + x[0] / x[1] - x[1]};
  };
  const Tensors inputs = {random_tensor({2, 3}, DType::f64, 1), random_tensor({3}, DType::f64, 2, 1, 2)};
  EXPECT_TRUE(test::gradients_match(formula, inputs));
  const Tensors y = formula(inputs);
  const double a = inputs[0].to_vector<double>()[4], b = inputs[1].to_vector<double>()[1];
  EXPECT_DOUBLE_EQ(y[0].to_vector<double>()[4], (a + 1) * 2 - b / 4 + 3 / b);
  EXPECT_DOUBLE_EQ(y[1].to_vector<double>()[4], 1 + a * b + a / 2 - 2);
  EXPECT_DOUBLE_EQ(y[2].to_vector<double>()[4], 2 + a / b - b);
  EXPECT_TRUE(test::follows_double_precision(formula, inputs));
}

}  // namespace
}  // namespace attend
