#include "attend/model/vision_transformer.h"

#include <gtest/gtest.h>

#include <numeric>
#include <tuple>

#include "attend/attention/mechanism.h"
#include "attend/base/parallel.h"
#include "model/config_fields.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/image_models.h"
#include "support/sanitized.h"

namespace attend {
namespace {

using autograd::Tensors;
using model::PatchPooling;
using model::PatchPositions;
using model::VisionTransformer;
using model::VisionTransformerConfig;
using test::differ;
using test::random_tensor;

const VisionTransformerConfig kSmall{
    .height = 8, .width = 8, .channels = 1, .classes = 4, .patch = 2, .layers = 1, .heads = 2, .dim = 16};

VisionTransformerConfig small(PatchPooling pooling, PatchPositions positions) {
  VisionTransformerConfig config = kSmall;
  config.pooling = pooling;
  config.positions = positions;
  return config;
}

constexpr PatchPooling kPoolings[] = {PatchPooling::token, PatchPooling::mean};
constexpr PatchPositions kPositions[] = {PatchPositions::learned, PatchPositions::sinusoidal};

TEST(VisionTransformer, HasTheParametersOfThePaper) {
  // ViT-Tiny with patches of 16 of 1000 classes has 5,717,416; here the token of the class has no position.
  VisionTransformerConfig config{.height = 224,
                                 .width = 224,
                                 .channels = 3,
                                 .classes = 1000,
                                 .patch = 16,
                                 .layers = 12,
                                 .heads = 3,
                                 .dim = 192,
                                 .pooling = PatchPooling::token};
  const VisionTransformer tiny(config);
  EXPECT_EQ(tiny.parameter_count(), 5717416 - 192);
  const std::int64_t products = 12 * 12 * 192 * 192 + 16 * 16 * 3 * 192;
  EXPECT_EQ(tiny.matmul_parameters(), products);
  EXPECT_EQ(tiny.training_flops(), 197 * (6.0 * static_cast<double>(products) + 12.0 * 12 * 192 * 197));
  config.pooling = PatchPooling::mean;
  config.positions = PatchPositions::sinusoidal;
  EXPECT_EQ(VisionTransformer(config).parameter_count(), 5717416 - 192 - 192 - 196 * 192);
}

TEST(VisionTransformer, TheAnswerIsTheMeanOfBothHeads) {
  for (const PatchPooling pooling : kPoolings) {
    VisionTransformerConfig config = small(pooling, PatchPositions::learned);
    const Tensor x = random_tensor({3, 8, 8, 1}, DType::f32, 1);
    EXPECT_FALSE(VisionTransformer(config).logits_of_heads(x).distillation.defined());
    config.distillation = true;
    VisionTransformer model(config);
    test::fill_by_name(model);
    const auto heads = model.logits_of_heads(x);
    EXPECT_TRUE(differ(heads.labels.detach(), heads.distillation.detach()));
    const auto mean = model.logits(x).to_vector<float>(), labels = heads.labels.to_vector<float>(),
               distillation = heads.distillation.to_vector<float>();
    for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_FLOAT_EQ(mean[i], (labels[i] + distillation[i]) / 2);
    const double length = pooling == PatchPooling::token ? 18 : 17;
    EXPECT_EQ(model.training_flops(),
              length * (6.0 * static_cast<double>(model.matmul_parameters()) + 12.0 * 16 * length));
  }
}

TEST(VisionTransformer, DecaysMatricesAlone) {
  for (const auto& parameter :
       VisionTransformer(small(PatchPooling::token, PatchPositions::learned)).parameters()) {
    EXPECT_TRUE(parameter.trainable);
    EXPECT_EQ(parameter.decay, parameter.name.ends_with(".weight") && parameter.tensor.rank() > 1)
        << parameter.name;
  }
}

TEST(VisionTransformer, SameSeedSameBits) {
  for (const PatchPooling pooling : kPoolings)
    for (const PatchPositions positions : kPositions) {
      const auto config = small(pooling, positions);
      const VisionTransformer model(config, 5), again(config, 5), other(config, 6);
      const Tensor x = random_tensor({2, 8, 8, 1}, DType::f32, 1);
      EXPECT_TRUE(test::same_bits(model.logits(x).detach(), again.logits(x).detach()));
      EXPECT_TRUE(differ(model.logits(x).detach(), other.logits(x).detach()));
      const auto parameters = model.parameters();
      for (std::size_t i = 0; i < parameters.size(); ++i)
        EXPECT_TRUE(test::same_bits(parameters[i].tensor, again.parameters()[i].tensor))
            << parameters[i].name;
    }
}

TEST(VisionTransformer, SameBitsForOneThreadAndTwoAndRecomputed) {
  for (const PatchPooling pooling : kPoolings) {
    const auto step = [&](int count, bool recompute) {
      const int before = threads();
      set_threads(count);
      const VisionTransformerConfig config{.height = 18,
                                           .width = 12,
                                           .channels = 2,
                                           .classes = 4,
                                           .patch = 2,
                                           .layers = 2,
                                           .heads = 2,
                                           .dim = 32,
                                           .pooling = pooling,
                                           .dropout = 0.2};
      const VisionTransformer model(config, 1);
      const Tensors result = test::training_step(model, random_tensor({5, 18, 12, 2}, DType::f32, 2),
                                                 test::random_integers({5}, 4, 3), recompute);
      set_threads(before);
      return result;
    };
    const Tensors one = step(1, false), two = step(2, false), recomputed = step(2, true);
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_TRUE(test::same_bits(one[i], two[i])) << "result " << i;
      EXPECT_TRUE(test::same_bits(one[i], recomputed[i])) << "result " << i;
    }
  }
}

struct Recorder : attention::Observer {
  std::vector<std::int64_t> layers;
  std::int64_t length = 0;

  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t layer, const Tensor& weights) override {
    layers.push_back(layer);
    EXPECT_TRUE(weights.shape() == Shape({3, 2, length, length})) << weights.shape().text();
    const auto values = weights.to_vector<float>();
    for (auto row = values.begin(); row != values.end(); row += static_cast<std::ptrdiff_t>(length))
      EXPECT_NEAR(std::accumulate(row, row + static_cast<std::ptrdiff_t>(length), 0.0), 1, 1e-5);
  }
};

TEST(VisionTransformer, ObserversSeeEveryLayerAndChangeNoBit) {
  for (const PatchPooling pooling : kPoolings)
    for (const DType compute : {DType::f32, DType::bf16}) {
      VisionTransformerConfig config = small(pooling, PatchPositions::learned);
      config.layers = 3;
      VisionTransformer model(config, 1);
      test::fill_by_name(model, DType::f32);
      const Tensor x = random_tensor({3, 8, 8, 1}, DType::f32, 1);
      const Tensor plain = model.logits(x, {.compute = compute}).detach();
      Recorder recorder;
      recorder.length = pooling == PatchPooling::token ? 17 : 16;
      EXPECT_TRUE(
          test::same_bits(model.logits(x, {.observer = &recorder, .compute = compute}).detach(), plain));
      EXPECT_EQ(model.observed_layers(), 3);
      EXPECT_EQ(recorder.layers, (std::vector<std::int64_t>{0, 1, 2}));
    }
}

TEST(VisionTransformer, KnowsTheOrderOfPatches) {
  for (const PatchPooling pooling : kPoolings)
    for (const PatchPositions positions : kPositions) {
      VisionTransformer model(small(pooling, positions), 1);
      test::fill_by_name(model);
      const auto with_bright = [&](std::int64_t y, std::int64_t x) {
        const Tensor picture = Tensor::zeros({1, 8, 8, 1});
        picture.data<float>()[y * 8 + x] = 1;
        return model.logits(picture).detach();
      };
      // The same place of another patch: in another column, in another row, and across.
      EXPECT_TRUE(differ(with_bright(0, 0), with_bright(0, 2)));
      EXPECT_TRUE(differ(with_bright(0, 0), with_bright(2, 0)));
      EXPECT_TRUE(differ(with_bright(0, 2), with_bright(2, 0)));
    }
}

TEST(VisionTransformer, RunsWithEveryMechanismThatLooksBothWays) {
  for (const attention::Mechanism& mechanism : attention::mechanisms()) {
    if (!model::fits_encoder(mechanism)) continue;
    for (const PatchPooling pooling : kPoolings) {
      VisionTransformerConfig config = small(pooling, PatchPositions::learned);
      config.attention = mechanism.name;
      config.dropout = 0.1;
      const VisionTransformer model(config, 1);
      const Tensors result = test::training_step(model, random_tensor({2, 8, 8, 1}, DType::f32, 2),
                                                 test::random_integers({2}, 4, 3));
      for (std::size_t i = 0; i < result.size(); ++i) {
        if (!result[i].defined()) continue;
        for (const float value : result[i].to_vector<float>())
          ASSERT_TRUE(std::isfinite(value)) << mechanism.name << ", result " << i;
      }
      EXPECT_TRUE(model.logits(random_tensor({2, 8, 8, 1}, DType::f32, 2)).shape() == Shape({2, 4}));
    }
  }
}

TEST(VisionTransformer, DropsInTrainingAlone) {
  VisionTransformerConfig config = kSmall;
  const VisionTransformer plain(config, 1);
  config.dropout = 0.5;
  const VisionTransformer model(config, 1);
  const Tensor x = random_tensor({3, 8, 8, 1}, DType::f32, 1);
  EXPECT_TRUE(test::same_bits(model.logits(x).detach(), plain.logits(x).detach()));
  Generator random(1), again(1), unused(1);
  EXPECT_TRUE(test::same_bits(model.logits(x, {.random = &unused}).detach(), plain.logits(x).detach()));
  const Tensor first = model.logits(x, {.training = true, .random = &random}).detach();
  EXPECT_TRUE(test::same_bits(first, model.logits(x, {.training = true, .random = &again}).detach()));
  EXPECT_TRUE(differ(first, model.logits(x, {.training = true, .random = &random}).detach()));
  EXPECT_ERROR(model.logits(x, {.training = true}), "random");
}

TEST(VisionTransformer, DropsFeaturesOfTheEmbeddingAndOfBothBranches) {
  for (const std::string kept : {"patch_embedding", "attention.output", "feed_forward.output"}) {
    VisionTransformerConfig config = kSmall;
    config.dropout = 0.5;
    VisionTransformer model(config, 1);
    test::fill_by_name(model);
    // All that the stream is made of is the bias of one place: without it, nothing is there to drop.
    const auto logits = [&](bool training) {
      Generator random(1);
      return model.logits(Tensor::zeros({2, 8, 8, 1}), {.training = training, .random = &random}).detach();
    };
    for (const auto& [name, tensor, decay, trainable] : model.parameters()) {
      const bool part = name.find("output.") != std::string::npos || name.starts_with("patch_embedding") ||
                        name == "position_embedding";
      if (part && name.find(kept + ".bias") == std::string::npos)
        tensor.copy_from(Tensor::zeros(tensor.shape(), tensor.dtype()));
    }
    EXPECT_TRUE(differ(logits(true), logits(false))) << kept;
    for (const auto& [name, tensor, decay, trainable] : model.parameters())
      if (name.find(kept + ".bias") != std::string::npos)
        tensor.copy_from(Tensor::zeros(tensor.shape(), tensor.dtype()));
    EXPECT_FALSE(differ(logits(true), logits(false))) << kept;
  }
}

TEST(VisionTransformer, RunsInBf16) {
  for (const PatchPooling pooling : kPoolings)
    for (const PatchPositions positions : kPositions) {
      VisionTransformer model(small(pooling, positions), 1);
      const Tensor x = random_tensor({3, 8, 8, 1}, DType::f32, 1);
      const Tensor exact = model.logits(x).detach(), computed = model.logits(x, {.compute = DType::bf16});
      EXPECT_EQ(computed.dtype(), DType::bf16);
      // Logits of some 1e-1 at the start; about ten roundings to 8 bits.
      EXPECT_TRUE(test::close(computed.detach(), exact, 3e-2, 3e-3));
      model.cast_parameters(DType::bf16);
      const Tensor stored = model.logits(x);
      EXPECT_EQ(stored.dtype(), DType::bf16);
      EXPECT_TRUE(test::close(stored, exact, 3e-2, 3e-3));
    }
}

TEST(VisionTransformer, RefusesWhatDoesNotFit) {
  const VisionTransformer model(kSmall);
  for (const Shape& shape : {Shape{8, 8, 1}, Shape{2, 8, 8, 3}, Shape{2, 6, 8, 1}, Shape{2, 8, 10, 1},
                             Shape{2, 1, 8, 8}, Shape{2, 8, 8, 1, 1}, Shape{0, 8, 8, 1}})
    EXPECT_ERROR(model.logits(Tensor::zeros(shape)), "[batch, 8, 8, 1] needed");
  EXPECT_ERROR(model.logits(Tensor()), "pictures undefined: f32 [batch, 8, 8, 1] needed");
  EXPECT_ERROR(model.logits(Tensor::zeros({2, 8, 8, 1}, DType::i32)),
               "pictures i32 [2, 8, 8, 1]: f32 [batch, ");
  EXPECT_ERROR(model.logits(Tensor::zeros({2, 8, 8, 1}), {.compute = DType::f64}), "f64");
}

class VisionTransformerLearns : public ::testing::TestWithParam<std::tuple<PatchPooling, PatchPositions>> {};

TEST_P(VisionTransformerLearns, WhichQuarterIsBright) {
  const auto [pooling, positions] = GetParam();
  VisionTransformerConfig config = small(pooling, positions);
  config.layers = 2;
  const int steps = test::kSanitized ? 10 : 300;
  const double accuracy = test::accuracy_after_training(VisionTransformer(config, 2), steps, 3e-3);
  if (!test::kSanitized) {
    EXPECT_GE(accuracy, 0.97);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, VisionTransformerLearns,
                         ::testing::Combine(::testing::ValuesIn(kPoolings), ::testing::ValuesIn(kPositions)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param) == PatchPooling::token ? "Token"
                                                                                             : "Mean") +
                                  (std::get<1>(info.param) == PatchPositions::learned ? "Learned"
                                                                                      : "Sinusoidal");
                         });

}  // namespace
}  // namespace attend
