#include "attend/op/embedding.h"

#include <gtest/gtest.h>

#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/gradient_check.h"
#include "support/in_precision.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_bf16_values;
using test::random_integers;
using test::random_tensor;

TEST(Embedding, GivesTheRowsOfTheIds) {
  for (const std::int64_t width : {1, 3, 63, 64, 65, 384, 1000})
    for (const DType ids_dtype : {DType::i32, DType::i64}) {
      const Tensor table = random_bf16_values({9, width}, 1), ids = random_integers({2, 5}, 9, 2, ids_dtype);
      const auto rows = table.to_vector<double>();
      std::vector<double> expected;
      for (const std::int64_t id : ids.to_vector<std::int64_t>())
        for (std::int64_t c = 0; c < width; ++c)
          expected.push_back(rows[static_cast<std::size_t>(id * width + c)]);
      for (const auto& [from, to] :
           {std::pair{DType::f64, DType::f64}, std::pair{DType::f32, DType::f32},
            std::pair{DType::f32, DType::bf16}, std::pair{DType::bf16, DType::f32}}) {
        const Tensor y = op::embedding(backend::cast(table, from), ids, {.dtype = to});
        EXPECT_EQ(y.dtype(), to);
        EXPECT_EQ(y.shape(), Shape({2, 5, width}));
        EXPECT_EQ(y.to_vector<double>(), expected);
      }
    }
}

TEST(Embedding, GradientsMatchFiniteDifferences) {
  const Tensor ids = random_integers({3, 4}, 6, 3);
  EXPECT_TRUE(test::gradients_match([&](const Tensors& x) { return Tensors{op::embedding(x[0], ids)}; },
                                    {random_tensor({6, 5}, DType::f64, 1)}));
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& x) { return Tensors{op::embed_tokens(x[0], x[1], ids, {.offset = 2})}; },
      {random_tensor({6, 5}, DType::f64, 1), random_tensor({8, 5}, DType::f64, 2)}));
}

TEST(Embedding, EqualsPyTorch) {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    EXPECT_TRUE(test::golden_matches("nn_operations.safetensors", "embedding",
                                     [](const Tensors& x) { return Tensors{op::embedding(x[0], x[1])}; },
                                     {.dtype = dtype}));
    EXPECT_TRUE(test::golden_matches(
        "nn_operations.safetensors", "embed_tokens",
        [](const Tensors& x) { return Tensors{op::embed_tokens(x[0], x[1], x[2], {.offset = 2})}; },
        {.dtype = dtype}));
  }
}

TEST(Embedding, AMasterTableGetsItsGradientInFullPrecision) {
  // More rows than one chunk holds, against plain loops in f64.
  const Tensor ids = random_integers({40, 25}, 7, 1), table = random_bf16_values({7, 384}, 2),
               positions = random_bf16_values({30, 384}, 3);
  const Tensors results =
      test::run_in({DType::f32, DType::f32},
                   [&](const Tensors& x) {
                     return Tensors{op::embed_tokens(x[0], x[1], ids, {.dtype = DType::bf16, .offset = 5})};
                   },
                   {table, positions});
  const auto dy = random_bf16_values({40, 25, 384}, 99).to_vector<double>();
  const auto w = table.to_vector<double>(), p = positions.to_vector<double>();
  const auto id = ids.to_vector<std::int64_t>();
  std::vector<double> y(dy.size()), dw(w.size()), dp(p.size());
  for (std::size_t r = 0; r < id.size(); ++r)
    for (std::size_t c = 0; c < 384; ++c) {
      const std::size_t i = r * 384 + c, j = static_cast<std::size_t>(id[r]) * 384 + c,
                        k = (r % 25 + 5) * 384 + c;
      y[i] = w[j] + p[k];
      dw[j] += dy[i];
      dp[k] += dy[i];
    }
  EXPECT_EQ(results[0].dtype(), DType::bf16);
  EXPECT_EQ(results[1].dtype(), DType::f32);
  EXPECT_TRUE(test::close(results[0], Tensor::from(y, {40, 25, 384}), 4e-3, 1e-6));
  // Cotangents are bf16 numbers: only the sums round, in f32.
  EXPECT_TRUE(test::close(results[1], Tensor::from(dw, {7, 384}), 1e-5, 1e-4));
  EXPECT_TRUE(test::close(results[2], Tensor::from(dp, {30, 384}), 1e-5, 1e-4));
}

TEST(Embedding, SameBitsForAnyNumberOfThreads) {
  const int before = threads();
  std::vector<Tensors> results;
  for (const int count : {1, 2}) {
    set_threads(count);
    const Tensor ids = random_integers({16, 64}, 300, 1);
    results.push_back(test::run_in(
        {DType::f32, DType::f32},
        [&](const Tensors& x) { return Tensors{op::embed_tokens(x[0], x[1], ids, {.dtype = DType::bf16})}; },
        {random_bf16_values({300, 65}, 2), random_bf16_values({64, 65}, 3)}));
  }
  set_threads(before);
  for (std::size_t i = 0; i < results[0].size(); ++i)
    EXPECT_TRUE(test::same_bits(results[0][i], results[1][i])) << i;
}

TEST(Embedding, KeepsNoHoldOnTheCallersIds) {
  const Tensor table = random_tensor({4, 3}, DType::f32, 1), ids = Tensor::zeros({2}, DType::i64);
  autograd::set_requires_grad(table);
  const Tensor y = op::embedding(table, ids);
  ids.data<std::int64_t>()[0] = 3;
  const auto gradient = autograd::gradients({y}, {table}, {Tensor::full({2, 3}, 1)})[0].to_vector<double>();
  EXPECT_EQ(gradient, (std::vector<double>{2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(Embedding, TakesOneIdAndNone) {
  const Tensor table = random_tensor({4, 3}, DType::f32, 1);
  EXPECT_EQ(op::embedding(table, Tensor::zeros({}, DType::i32)).shape(), Shape({3}));
  EXPECT_EQ(op::embedding(table, Tensor::zeros({0}, DType::i32)).shape(), Shape({0, 3}));
}

TEST(Embedding, NamesWhatDoesNotFit) {
  const Tensor table = Tensor::zeros({4, 3}), positions = Tensor::zeros({5, 3});
  const auto ids = [](std::int32_t id) { return Tensor::from(std::vector<std::int32_t>{0, id}, {2}); };
  EXPECT_ERROR(op::embedding(table, ids(4)), "embedding: id 4 at element 1 of i32 [2]: 0 to 3 accepted");
  EXPECT_ERROR(op::embedding(table, ids(-1)), "id -1 at element 1");
  EXPECT_ERROR(op::embedding(table, Tensor::zeros({2})), "ids in i32 or i64 needed");
  EXPECT_ERROR(op::embedding(table, ids(0), {.dtype = DType::f64}), "f64 with f64");
  EXPECT_ERROR(op::embedding(Tensor::zeros({4}), ids(0)), "a table [V, d]");
  EXPECT_ERROR(op::embed_tokens(table, Tensor::zeros({5, 2}), ids(0)), "positions f32 [P, 3] needed");
  EXPECT_ERROR(op::embed_tokens(table, positions, ids(0), {.offset = 4}),
               "2 tokens from position 4 on, but there are 5 positions");
  EXPECT_ERROR(op::embed_tokens(table, positions, ids(0), {.offset = -1}), "from position -1");
}

}  // namespace
}  // namespace attend
