#include "attend/model/sentence_encoder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attend/op/contrastive_loss.h"
#include "support/compare.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"

namespace attend::model {
namespace {

SentenceEncoderConfig tiny(nn::PoolingKind pooling) {
  return {.encoder =
              {.vocabulary = 11, .context = 6, .layers = 1, .heads = 2, .dim = 8, .initialisation_std = 0.3},
          .pooling = pooling};
}

EncoderInput input(std::uint64_t seed) {
  return {.tokens = test::random_integers({3, 5}, 11, seed),
          .lengths = Tensor::from(std::vector<std::int32_t>{5, 2, 1}, {3})};
}

TEST(SentenceEncoder, MakesVectorsOfLengthOne) {
  for (const auto pooling : {nn::PoolingKind::first, nn::PoolingKind::mean, nn::PoolingKind::attention}) {
    const SentenceEncoder model(tiny(pooling), 3);
    const std::vector<double> values = model.embeddings(input(1)).to_vector<double>();
    ASSERT_EQ(values.size(), 24u);
    for (std::size_t row = 0; row < 3; ++row) {
      double square = 0;
      for (std::size_t i = 0; i < 8; ++i) square += values[8 * row + i] * values[8 * row + i];
      EXPECT_NEAR(square, 1, 1e-5);
    }
    EXPECT_EQ(model.embeddings(input(1), {.compute = DType::bf16}).dtype(), DType::f32);
  }
}

TEST(SentenceEncoder, GradientsMatchFiniteDifferences) {
  SentenceEncoder model(tiny(nn::PoolingKind::attention), 3);
  model.cast_parameters(DType::f64);
  autograd::Tensors parameters;
  for (const auto& parameter : model.parameters())
    if (parameter.name == "pooling.query" || parameter.name == "encoder.token_embedding.weight" ||
        parameter.name == "encoder.norm.weight")
      parameters.push_back(parameter.tensor);
  ASSERT_EQ(parameters.size(), 3u);
  EXPECT_TRUE(test::gradients_match(
      [&](const autograd::Tensors&) {
        return autograd::Tensors{op::contrastive_loss(model.embeddings(input(1)), model.embeddings(input(2)),
                                                      {.temperature = 0.5})};
      },
      parameters, {.relative = 1e-5, .absolute = 1e-6}));
}

}  // namespace
}  // namespace attend::model
