#include "attend/nn/prediction_heads.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using autograd::Tensors;
using test::random_tensor;

void fill(nn::Module& module) {
  module.cast_parameters(DType::f64);
  std::uint64_t seed = 10;
  for (const auto& parameter : module.parameters())
    parameter.tensor.copy_from(random_tensor(parameter.tensor.shape(), DType::f64, ++seed, -0.7, 0.9));
}

Tensors with_parameters(const Tensor& x, const nn::Module& module) {
  Tensors inputs = {x};
  for (const auto& parameter : module.parameters()) inputs.push_back(parameter.tensor);
  return inputs;
}

TEST(SequenceHeads, GradientsMatchFiniteDifferences) {
  Generator random(1);
  nn::SequenceHeads heads(4, {3, 2}, {}, random);
  fill(heads);
  EXPECT_TRUE(test::gradients_match([&](const Tensors& x) { return heads.forward(x[0]); },
                                    with_parameters(random_tensor({5, 4}, DType::f64, 1), heads)));
  EXPECT_EQ(heads.parameters().front().name, "0.weight");
  EXPECT_EQ(heads.parameters().back().name, "1.bias");
}

TEST(SequenceHeads, DropoutIsOneDrawForAllAndOnlyInTraining) {
  Generator random(1);
  nn::SequenceHeads heads(64, {64, 64}, {.dropout = 0.5}, random);
  // With the identity as weights, logits are the features that are left.
  for (const auto& parameter : heads.parameters()) {
    if (parameter.tensor.rank() != 2) continue;
    for (std::int64_t i = 0; i < 64; ++i)
      for (std::int64_t j = 0; j < 64; ++j) parameter.tensor.data<float>()[i * 64 + j] = i == j ? 1.0f : 0.0f;
  }
  const Tensor x = Tensor::full({2, 64}, 1);
  EXPECT_TRUE(test::same_bits(heads.forward(x)[0].detach(), x));
  const auto logits = heads.forward(x, {.training = true, .random = &random});
  EXPECT_TRUE(test::same_bits(logits[0].detach(), logits[1].detach()));
  EXPECT_FALSE(test::same_bits(logits[0].detach(), x));
  EXPECT_ERROR(nn::SequenceHeads(4, {}, {}, random), "at least one number of classes");
  EXPECT_ERROR(nn::SequenceHeads(4, {2, 0}, {}, random), "at least 1 needed");
}

TEST(TokenHead, GradientsMatchFiniteDifferences) {
  Generator random(1);
  nn::TokenHead head(4, 3, {}, random);
  fill(head);
  EXPECT_TRUE(test::gradients_match([&](const Tensors& x) { return Tensors{head.forward(x[0])}; },
                                    with_parameters(random_tensor({2, 3, 4}, DType::f64, 1), head)));
}

TEST(SpanHead, GradientsMatchFiniteDifferencesAndPaddingIsNever) {
  Generator random(1);
  nn::SpanHead head(4, {}, random);
  fill(head);
  const Tensor lengths = Tensor::from(std::vector<std::int32_t>{3, 1}, {2});
  const Tensor targets = Tensor::from(std::vector<std::int32_t>{2, 0}, {2});
  const Tensor x = random_tensor({2, 3, 4}, DType::f64, 1);
  EXPECT_TRUE(test::gradients_match(
      [&](const Tensors& inputs) {
        const auto logits = head.forward(inputs[0], lengths);
        return Tensors{op::cross_entropy(logits.start, targets, {.reduction = op::Reduction::none}),
                       op::cross_entropy(logits.end, targets, {.reduction = op::Reduction::none})};
      },
      with_parameters(x, head)));
  const auto padded = head.forward(x, lengths), all = head.forward(x);
  const std::vector<double> start = padded.start.to_vector<double>(), end = padded.end.to_vector<double>();
  for (const std::size_t i : {4u, 5u}) {
    EXPECT_EQ(start[i], -INFINITY);
    EXPECT_EQ(end[i], -INFINITY);
  }
  EXPECT_TRUE(
      test::same_bits(op::slice(padded.start, 0, 0, 1).detach(), op::slice(all.start, 0, 0, 1).detach()));
  EXPECT_FALSE(test::same_bits(all.start.detach(), all.end.detach()));
  EXPECT_ERROR(head.forward(Tensor::zeros({2, 4})), "[batch, length, dim] needed");
}

TEST(MaskedTokenHead, GradientsMatchFiniteDifferences) {
  for (const auto norm : {nn::NormKind::layer, nn::NormKind::rms}) {
    Generator random(1);
    nn::MaskedTokenHead head(4, norm, {}, {}, random);
    fill(head);
    Tensors inputs = with_parameters(random_tensor({2, 3, 4}, DType::f64, 1), head);
    inputs.push_back(random_tensor({5, 4}, DType::f64, 2));
    const Tensor targets = Tensor::from(std::vector<std::int32_t>{-1, 4, 0, -1, -1, 2}, {2, 3});
    EXPECT_TRUE(test::gradients_match(
        [&](const Tensors& x) { return Tensors{head.loss(x.front(), targets, x.back())}; }, inputs));
  }
}

TEST(MaskedTokenHead, LossIsThatOfTheLogitsAtTheTargets) {
  Generator random(1);
  nn::MaskedTokenHead head(4, nn::NormKind::layer, {}, {}, random);
  fill(head);
  const Tensor x = random_tensor({2, 3, 4}, DType::f64, 1), table = random_tensor({5, 4}, DType::f64, 2);
  const Tensor targets = Tensor::from(std::vector<std::int64_t>{-1, 4, 0, -1, -1, 2}, {2, 3});
  EXPECT_TRUE(test::close(head.loss(x, targets, table).detach(),
                          op::cross_entropy(head.logits(x, table), targets, {.ignore_index = -1}).detach(),
                          1e-13, 0));
  const Tensor none = Tensor::full({2, 3}, -1, DType::i64);
  const Tensor zero = head.loss(x, none, table);
  EXPECT_EQ(zero.item(), 0);
  autograd::backward(zero);  // stays on the tape: training goes on
  for (const auto& parameter : head.parameters())
    for (const double value : autograd::grad(parameter.tensor).to_vector<double>())
      EXPECT_EQ(value, 0) << parameter.name;
  EXPECT_ERROR(head.loss(x, Tensor::zeros({2, 2}, DType::i32), table), "[batch, length] and");
}

}  // namespace
}  // namespace attend
