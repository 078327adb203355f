#include "attend/op/unary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

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

struct Unary {
  Tensor (*operation)(const Tensor&);
  double (*definition)(double);
  double low, high;
};

const std::map<std::string, Unary> kUnary = {
    {"neg", {op::negate, [](double x) { return -x; }, -2, 2}},
    {"exp", {op::exp, [](double x) { return std::exp(x); }, -2, 2}},
    {"log", {op::log, [](double x) { return std::log(x); }, 0.25, 4}},
    {"sqrt", {op::sqrt, [](double x) { return std::sqrt(x); }, 0.25, 4}},
    {"rsqrt", {op::rsqrt, [](double x) { return 1 / std::sqrt(x); }, 0.25, 4}},
    {"square", {op::square, [](double x) { return x * x; }, -2, 2}},
    {"abs", {op::absolute, [](double x) { return std::abs(x); }, -2, 2}}};

test::Function function_of(const Unary& unary) {
  return [&unary](const Tensors& x) { return Tensors{unary.operation(x[0])}; };
}

TEST(Unary, AgreesWithPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    for (const auto& [name, unary] : kUnary)
      EXPECT_TRUE(test::golden_matches("operations.safetensors", name, function_of(unary), {.dtype = dtype}));
}

TEST(Unary, IsItsDefinitionAndDerivativeAtAwkwardSizes) {
  for (const auto& [name, unary] : kUnary)
    for (const std::int64_t n : {1, 7, 63, 64, 65, 1000}) {
      const Tensor x = random_tensor({n}, DType::f64, 1, unary.low, unary.high);
      const auto in = x.to_vector<double>(), out = unary.operation(x).to_vector<double>();
      for (std::size_t i = 0; i < in.size(); ++i)
        ASSERT_NEAR(out[i], unary.definition(in[i]), 1e-14) << name << " of " << in[i];
      if (n < 70) {
        EXPECT_TRUE(test::gradients_match(function_of(unary), {x}, {.absolute = 1e-6})) << name;
      }
      EXPECT_TRUE(test::follows_double_precision(function_of(unary), {x})) << name;
    }
}

TEST(Unary, ReadsStridedInputsAndGradients) {
  const Tensor x = random_tensor({5, 7}, DType::f64, 1, 0.5, 2);
  for (const auto& [name, unary] : kUnary) {
    const auto turned = [operation = unary.operation](const Tensors& in) {
      return Tensors{op::transpose(operation(op::transpose(op::slice(in[0], 1, 2, 6))))};
    };
    EXPECT_TRUE(test::gradients_match(turned, {x})) << name;
  }
}

TEST(Unary, KnowsTheEdges) {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    const auto at = [&](Tensor (*operation)(const Tensor&), double x) {
      return operation(Tensor::full({1}, x, dtype)).item();
    };
    EXPECT_EQ(at(op::exp, -infinity), 0);
    EXPECT_EQ(at(op::exp, infinity), infinity);
    EXPECT_EQ(at(op::exp, 0), 1);
    EXPECT_TRUE(std::isnan(at(op::exp, nan)));
    EXPECT_EQ(at(op::log, 0), -infinity);
    EXPECT_TRUE(std::isnan(at(op::log, -1)));
    EXPECT_TRUE(std::isnan(at(op::sqrt, -1)));
    EXPECT_EQ(at(op::rsqrt, 0), infinity);
    EXPECT_EQ(at(op::absolute, -infinity), infinity);
    EXPECT_TRUE(std::isnan(at(op::absolute, nan)));
  }
  const Tensor zero = Tensor::zeros({1});
  autograd::set_requires_grad(zero);
  autograd::backward(op::absolute(zero));
  EXPECT_EQ(autograd::grad(zero).item(), 0);
}

TEST(Unary, SameBitsForAnyNumberOfThreads) {
  for (const auto& [name, unary] : kUnary)
    EXPECT_TRUE(
        test::same_bits_for_threads(function_of(unary), {random_tensor({50001}, DType::f32, 1, 0.5, 2)}))
        << name;
}

TEST(Unary, RejectsIntegers) {
  EXPECT_ERROR(op::exp(Tensor::zeros({2}, DType::i32)), "exp of i32 [2]: f32, bf16 or f64 needed");
  EXPECT_ERROR(op::negate(Tensor::zeros({2}, DType::u8)), "negate of u8 [2]");
}

}  // namespace
}  // namespace attend
