#include "attend/model/span_extractor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend::model {
namespace {

EncoderConfig tiny() {
  return {.vocabulary = 11,
          .context = 6,
          .segments = 2,
          .layers = 1,
          .heads = 2,
          .dim = 8,
          .initialisation_std = 0.3};
}

EncoderInput input() {
  return {.tokens = test::random_integers({2, 5}, 11, 1),
          .lengths = Tensor::from(std::vector<std::int32_t>{5, 3}, {2}),
          .segments = Tensor::from(std::vector<std::int32_t>{0, 0, 1, 1, 1, 0, 0, 1, 0, 0}, {2, 5})};
}

Tensor places(const std::vector<std::int32_t>& values) {
  return Tensor::from(values, {2});
}

TEST(SpanExtractor, ScoresEveryTokenButPadding) {
  const SpanExtractor model(tiny(), 3);
  const nn::SpanHead::Logits logits = model.logits(input());
  ASSERT_EQ(logits.start.text(), "f32 [2, 5]");
  const auto start = logits.start.to_vector<double>(), end = logits.end.to_vector<double>();
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(std::isinf(start[i]), i >= 8) << i;
    EXPECT_EQ(std::isinf(end[i]), i >= 8) << i;
  }
  // log softmax of both rows by hand.
  double loss = 0;
  for (const std::size_t row : {0u, 1u}) {
    double sums[2] = {0, 0};
    for (std::size_t i = 5 * row; i < 5 * row + 5; ++i) {
      sums[0] += std::exp(start[i]);
      sums[1] += std::exp(end[i]);
    }
    loss += std::log(sums[0]) - start[5 * row + 1] + std::log(sums[1]) - end[5 * row + 2];
  }
  EXPECT_NEAR(model.loss(input(), places({1, 1}), places({2, 2})).item(), loss / 4, 1e-6);
}

TEST(SpanExtractor, GradientsMatchFiniteDifferences) {
  SpanExtractor model(tiny(), 3);
  model.cast_parameters(DType::f64);
  autograd::Tensors parameters;
  for (const auto& parameter : model.parameters())
    if (parameter.name == "head.linear.weight" || parameter.name == "encoder.segment_embedding.weight")
      parameters.push_back(parameter.tensor);
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_TRUE(test::gradients_match(
      [&](const autograd::Tensors&) {
        return autograd::Tensors{model.loss(input(), places({0, 1}), places({0, 2}))};
      },
      parameters, {.relative = 1e-5, .absolute = 1e-6}));
}

}  // namespace
}  // namespace attend::model
