#include "attend/op/linear.h"

#include <gtest/gtest.h>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_tensor;

TEST(Linear, GradientsMatchFiniteDifferences) {
  for (const std::int64_t rows : {1, 5}) {
    const Tensors inputs = {random_tensor({2, rows, 3}, DType::f64, 1), random_tensor({4, 3}, DType::f64, 2),
                            random_tensor({4}, DType::f64, 3)};
    EXPECT_TRUE(test::gradients_match([](const Tensors& x) { return Tensors{op::linear(x[0], x[1], x[2])}; },
                                      inputs));
  }
}

TEST(Linear, SinglePrecisionAndBf16FollowTheDefinition) {
  for (const std::int64_t rows : {1, 7, 65}) {
    const Tensor x = random_tensor({rows, 33}, DType::f64, 4), w = random_tensor({17, 33}, DType::f64, 5),
                 b = random_tensor({17}, DType::f64, 6), dy = random_tensor({rows, 17}, DType::f64, 7);
    const auto run = [&](DType dtype, DType weight_dtype) {
      const auto leaf = [](const Tensor& t, DType d) {
        const auto values = t.to_vector<float>();
        Tensor result = d == DType::f64 ? Tensor::from(t.to_vector<double>(), t.shape())
                                        : Tensor::from(values, t.shape());
        if (d == DType::bf16) {
          std::vector<BFloat16> half;
          for (float v : values) half.emplace_back(v);
          result = Tensor::from(half, t.shape());
        }
        return result;
      };
      const Tensor lx = leaf(x, dtype), lw = leaf(w, weight_dtype),
                   lb = leaf(b, dtype == DType::f64 ? DType::f64 : DType::f32);
      for (const Tensor& t : {lx, lw, lb}) autograd::set_requires_grad(t);
      const Tensor y = op::linear(lx, lw, lb);
      autograd::backward(y, leaf(dy, dtype));
      return Tensors{y, autograd::grad(lx), autograd::grad(lw), autograd::grad(lb)};
    };
    const Tensors exact = run(DType::f64, DType::f64), single = run(DType::f32, DType::f32),
                  half = run(DType::bf16, DType::f32);
    EXPECT_EQ(half[2].dtype(), DType::f32);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      EXPECT_TRUE(test::close(single[i], exact[i], 1e-5, 2e-5)) << "output " << i << ", rows " << rows;
      // bf16 keeps 8 bits; sums of 33 or 65 rounded products stay well inside 2 %.
      EXPECT_TRUE(test::close(half[i], exact[i], 2e-2, 5e-2)) << "output " << i << ", rows " << rows;
    }
  }
}

TEST(Linear, SameBitsForAnyNumberOfThreads) {
  const int before = threads();
  for (const DType dtype : {DType::f32, DType::bf16}) {
    std::vector<Tensors> results;
    for (const int count : {1, 2}) {
      set_threads(count);
      const Tensor x = random_tensor({768, 128}, dtype, 1), w = random_tensor({384, 128}, DType::f32, 2);
      autograd::set_requires_grad(x);
      autograd::set_requires_grad(w);
      const Tensor y = op::linear(x, w);
      autograd::backward(y, random_tensor({768, 384}, dtype, 3));
      results.push_back({y, autograd::grad(x), autograd::grad(w)});
    }
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(test::same_bits(results[0][i], results[1][i])) << i;
  }
  set_threads(before);
}

TEST(Linear, FewRowsWithoutTheTapeEqualManyRows) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64})
    for (const std::int64_t in : {1, 31, 64, 200, 768})
      for (const std::int64_t rows : {1, 3, 4}) {
        const Tensor x = random_tensor({8, in}, dtype, 1), w = random_tensor({37, in}, dtype, 2),
                     b = random_tensor({37}, dtype == DType::f64 ? DType::f64 : DType::f32, 3);
        const Tensor many = op::linear(x, w, b);
        const Tensor few = op::linear(x.view_as({rows, in}, {in, 1}), w, b);
        const double tolerance = dtype == DType::f64 ? 1e-13 : dtype == DType::f32 ? 1e-5 : 1e-2;
        EXPECT_TRUE(test::close(few, many.view_as({rows, 37}, {37, 1}), tolerance, tolerance * 3)) << in;
      }
}

TEST(Linear, NamesWhatDoesNotFit) {
  EXPECT_THROW(op::linear(Tensor::zeros({2, 3}), Tensor::zeros({4, 5})), Error);
  EXPECT_THROW(op::linear(Tensor::zeros({2, 3}, DType::i32), Tensor::zeros({4, 3})), Error);
  EXPECT_THROW(op::linear(Tensor::zeros({2, 3}), Tensor::zeros({4, 3}), Tensor::zeros({3})), Error);
}

TEST(Matmul, GradientsMatchFiniteDifferencesWithBroadcastBatches) {
  const auto f = [](const Tensors& x) { return Tensors{op::matmul(x[0], x[1])}; };
  EXPECT_TRUE(
      test::gradients_match(f, {random_tensor({3, 4}, DType::f64, 1), random_tensor({4, 2}, DType::f64, 2)}));
  EXPECT_TRUE(test::gradients_match(
      f, {random_tensor({2, 3, 4}, DType::f64, 3), random_tensor({4, 5}, DType::f64, 4)}));
  EXPECT_TRUE(test::gradients_match(
      f, {random_tensor({2, 1, 3, 4}, DType::f64, 5), random_tensor({3, 4, 2}, DType::f64, 6)}));
}

TEST(Matmul, AgreesWithPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16})
    EXPECT_TRUE(test::golden_matches("operations.safetensors", "matmul",
                                     [](const Tensors& x) { return Tensors{op::matmul(x[0], x[1])}; },
                                     {.dtype = dtype}));
}

TEST(Matmul, SinglePrecisionAndBf16EqualTheDefinition) {
  for (const std::int64_t m : {1, 2, 63, 65, 148})
    for (const std::int64_t k : {37, 63, 191}) {
      const auto a = [&](DType dtype) { return random_tensor({3, m, k}, dtype, 1); };
      const auto b = [&](DType dtype) { return random_tensor({3, k, 252}, dtype, 2); };
      const Tensor exact = op::matmul(a(DType::f64), b(DType::f64));
      EXPECT_TRUE(test::close(op::matmul(a(DType::f32), b(DType::f32)), exact, 1e-5, 2e-5));
      EXPECT_TRUE(test::close(op::matmul(a(DType::bf16), b(DType::bf16)), exact, 2e-2, 1e-1));
    }
}

// Shapes for which oneDNN by itself cuts its sums where the number of threads says.
TEST(Matmul, SameBitsForOneThreadAndTwo) {
  struct Case {
    std::int64_t batch, rows, inner, columns;
    bool is_a_transposed, is_b_transposed;
  };
  const int before = threads();
  for (const Case& c : {Case{1, 133, 2220, 48, true, true}, Case{1, 1104, 4992, 18, true, false},
                        Case{1, 115, 169, 52, false, true}, Case{5, 127, 2497, 115, false, true},
                        Case{7, 515, 171, 506, false, true}, Case{1, 50, 118, 199, true, true}}) {
    const auto operand = [&](std::int64_t rows, std::int64_t columns, bool is_transposed, int seed) {
      const Tensor x = random_tensor(
          is_transposed ? Shape{c.batch, columns, rows} : Shape{c.batch, rows, columns}, DType::f32, seed);
      return is_transposed ? op::transpose(x) : x;
    };
    const Tensor a = operand(c.rows, c.inner, c.is_a_transposed, 1),
                 b = operand(c.inner, c.columns, c.is_b_transposed, 2);
    set_threads(1);
    const Tensor one = op::matmul(a, b);
    set_threads(2);
    const Tensor two = op::matmul(a, b);
    EXPECT_TRUE(test::same_bits(one, two)) << c.rows << " x " << c.inner << " x " << c.columns;
  }
  // Heads that lie side by side, times one matrix for the whole batch.
  const Tensor x = op::permute(random_tensor({3, 53, 1, 46}, DType::f32, 3), {0, 2, 1, 3}),
               weight = op::transpose(random_tensor({1, 1, 34, 46}, DType::f32, 4));
  set_threads(1);
  const Tensor one = op::matmul(x, weight);
  set_threads(2);
  EXPECT_TRUE(test::same_bits(one, op::matmul(x, weight)));
  set_threads(before);
}

// oneDNN takes products that differ in the strides of an axis of length 1 for one, and keeps the first one's
// kernel.
TEST(Matmul, SameBitsWhateverWasComputedBefore) {
  const int before = threads();
  for (const std::int64_t inner : {8, 37, 211}) {
    const Tensor row = random_tensor({1, inner}, DType::f32, 1),
                 column = random_tensor({inner, 1}, DType::f32, 2),
                 wide = random_tensor({1, 3 * inner}, DType::f32, 3);
    set_threads(1);
    op::matmul(op::slice(wide, 1, 0, inner), op::transpose(random_tensor({1, inner}, DType::f32, 4)));
    const Tensor after_another = op::matmul(row, column);
    set_threads(2);
    EXPECT_TRUE(test::same_bits(after_another, op::matmul(row, column))) << inner;
  }
  set_threads(before);
}

}  // namespace
}  // namespace attend
