#include "attend/model/residual_cnn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "attend/base/parallel.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/image_models.h"
#include "support/sanitized.h"

namespace attend {
namespace {

using autograd::Tensors;
using model::residual_cnn_config_from_json;
using model::ResidualCnn;
using model::ResidualCnnConfig;
using nn::FeatureAttentionKind;
using test::differ;
using test::parameter_list;
using test::random_tensor;

constexpr FeatureAttentionKind kBlocks[] = {FeatureAttentionKind::none,
                                            FeatureAttentionKind::squeeze_excitation,
                                            FeatureAttentionKind::efficient_channel,
                                            FeatureAttentionKind::cbam,
                                            FeatureAttentionKind::self,
                                            FeatureAttentionKind::windows,
                                            FeatureAttentionKind::focal};

const ResidualCnnConfig kSmall{.channels = 1, .classes = 4, .width = 8, .stages = 2, .blocks = 1};

ResidualCnnConfig small(FeatureAttentionKind block) {
  ResidualCnnConfig config = kSmall;
  config.block = block;
  return config;
}

TEST(ResidualCnnConfig, JsonGoesThereAndBack) {
  for (const FeatureAttentionKind block : kBlocks) {
    const ResidualCnnConfig config{.channels = 5,
                                   .classes = 7,
                                   .width = 24,
                                   .stages = 4,
                                   .blocks = 3,
                                   .block = block,
                                   .reduction = 2,
                                   .window = 3,
                                   .spatial_transformer = true,
                                   .dropout = 0.25};
    EXPECT_EQ(residual_cnn_config_from_json(to_json(config)), config);
    EXPECT_EQ(nlohmann::json::parse(to_json(config))["block"], name_of(block));
  }
  EXPECT_EQ(residual_cnn_config_from_json("{}"), ResidualCnnConfig{});
}

TEST(ResidualCnnConfig, WrongKeysAndValuesAreNamedWithTheAcceptedOnes) {
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"widht": 3})", "config.json"),
               "config.json: unknown key \"widht\"; did you mean \"width\"?");
  EXPECT_ERROR(residual_cnn_config_from_json("[]", "config.json"), "config.json: a JSON object needed");
  EXPECT_ERROR(residual_cnn_config_from_json("{", "config.json"), "config.json: not valid JSON");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"channels": 0})"), "channels 0: an integer from 1 to 1024");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"classes": 0})"), "classes 0: an integer from 1");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"width": -1})"), "width -1: an integer from 1 to 4096");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"width": 2.5})"), "width 2.5: an integer from 1 to 4096");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"stages": 9})"), "stages 9: an integer from 1 to 8");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"blocks": 0})"), "blocks 0: an integer from 1");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"block": "sse"})"),
               R"(block "sse": one of "none", "se", "eca", "cbam", "self", "windows", "focal" needed)");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"block": 1})"), "block 1: one of");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"reduction": 0})"), "reduction 0: an integer from 1");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"window": 0})"), "window 0: an integer from 1");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"spatial_transformer": 1})"), "spatial_transformer 1: true");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"dropout": 1})"), "dropout 1: a number from 0 and below 1");
  EXPECT_ERROR(residual_cnn_config_from_json(R"({"dropout": "no"})"), "dropout \"no\": a number");
  ResidualCnnConfig config;
  config.stages = 0;
  EXPECT_ERROR(ResidualCnn{config}, "stages 0: an integer from 1 to 8 needed");
}

/// In training, where dropout shows too.
Tensor logits_of(const ResidualCnnConfig& config) {
  ResidualCnn model(config);
  test::fill_by_name(model);
  Generator random(4);
  return model
      .logits(random_tensor({3, 8, 8, config.channels}, DType::f32, 2), {.training = true, .random = &random})
      .detach();
}

TEST(ResidualCnnConfig, EachKeyChangesTheModel) {
  struct Change {
    const char* key;
    std::function<void(ResidualCnnConfig&)> to;
    bool parameters = true;  ///< are others
    FeatureAttentionKind block = FeatureAttentionKind::none;
  };
  const std::vector<Change> changes = {
      {"channels", [](ResidualCnnConfig& c) { c.channels = 2; }},
      {"classes", [](ResidualCnnConfig& c) { c.classes = 5; }},
      {"width", [](ResidualCnnConfig& c) { c.width = 16; }},
      {"stages", [](ResidualCnnConfig& c) { c.stages = 3; }},
      {"blocks", [](ResidualCnnConfig& c) { c.blocks = 2; }},
      {"block", [](ResidualCnnConfig& c) { c.block = FeatureAttentionKind::efficient_channel; }},
      {"reduction", [](ResidualCnnConfig& c) { c.reduction = 1; }, true,
       FeatureAttentionKind::squeeze_excitation},
      {"reduction", [](ResidualCnnConfig& c) { c.reduction = 1; }, true, FeatureAttentionKind::cbam},
      {"window", [](ResidualCnnConfig& c) { c.window = 3; }, true, FeatureAttentionKind::windows},
      {"spatial_transformer", [](ResidualCnnConfig& c) { c.spatial_transformer = true; }},
      {"dropout", [](ResidualCnnConfig& c) { c.dropout = 0.5; }, false},
  };
  std::set<std::string> tested, known;
  EXPECT_FALSE(differ(logits_of(kSmall), logits_of(kSmall)));
  for (const auto& [key, to, parameters, block] : changes) {
    tested.insert(key);
    const ResidualCnnConfig before = small(block);
    ResidualCnnConfig after = before;
    to(after);
    EXPECT_EQ(parameter_list(ResidualCnn(before)) != parameter_list(ResidualCnn(after)), parameters) << key;
    EXPECT_TRUE(differ(logits_of(before), logits_of(after))) << key;
  }
  const auto json = nlohmann::json::parse(to_json(kSmall));
  for (const auto& [key, value] : json.items()) known.insert(key);
  EXPECT_EQ(tested, known);
  for (const FeatureAttentionKind one : kBlocks)
    for (const FeatureAttentionKind other : kBlocks)
      EXPECT_EQ(static_cast<bool>(differ(logits_of(small(one)), logits_of(small(other)))), one != other)
          << name_of(one) << " and " << name_of(other);
}

TEST(ResidualCnn, HasTheParametersThatTheSizesSay) {
  const auto count = [](const ResidualCnnConfig& config) { return ResidualCnn(config).parameter_count(); };
  const ResidualCnnConfig usual{.channels = 1, .classes = 10, .width = 16, .stages = 3, .blocks = 2};
  // Convolutions 9 in out (shortcuts in out), norms 2 in + 2 out; the first convolution, the last norm, and
  // the linear layer.
  const std::int64_t first = 2 * (2 * 9 * 16 * 16 + 4 * 16);
  const std::int64_t second = 9 * 16 * 32 + 3 * 9 * 32 * 32 + 16 * 32 + 2 * 16 + 2 * 32 + 4 * 32;
  const std::int64_t third = 9 * 32 * 64 + 3 * 9 * 64 * 64 + 32 * 64 + 2 * 32 + 2 * 64 + 4 * 64;
  EXPECT_EQ(count(usual), 9 * 16 + first + second + third + 2 * 64 + 64 * 10 + 10);
  EXPECT_EQ(count(usual), 174778);
  EXPECT_LT(count(usual), 200000);
  // Of 8 and 16 channels: two layers of 4 features; a kernel of 3; the layers and a kernel of 7 x 7 x 2 with
  // a bias; four projections.
  const auto more = [&](FeatureAttentionKind block) { return count(small(block)) - count(kSmall); };
  const std::int64_t layers = (8 * 4 + 4 + 4 * 8 + 8) + (16 * 4 + 4 + 4 * 16 + 16);
  EXPECT_EQ(more(FeatureAttentionKind::squeeze_excitation), layers);
  EXPECT_EQ(more(FeatureAttentionKind::efficient_channel), 2 * 3);
  EXPECT_EQ(more(FeatureAttentionKind::cbam), layers + 2 * (98 + 1));
  EXPECT_EQ(more(FeatureAttentionKind::self), 4 * (8 * 8 + 8) + 4 * (16 * 16 + 16));
}

TEST(ResidualCnn, SameSeedSameBits) {
  for (const FeatureAttentionKind block : kBlocks) {
    const ResidualCnn model(small(block), 5), again(small(block), 5), other(small(block), 6);
    const Tensor x = random_tensor({2, 8, 8, 1}, DType::f32, 1);
    EXPECT_TRUE(test::same_bits(model.logits(x).detach(), again.logits(x).detach()));
    EXPECT_TRUE(differ(model.logits(x).detach(), other.logits(x).detach()));
    const auto parameters = model.parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i)
      EXPECT_TRUE(test::same_bits(parameters[i].tensor, again.parameters()[i].tensor)) << parameters[i].name;
  }
}

TEST(ResidualCnn, SameBitsForOneThreadAndTwo) {
  for (const FeatureAttentionKind block : kBlocks) {
    const auto step = [&](int count) {
      const int before = threads();
      set_threads(count);
      ResidualCnnConfig config = small(block);
      config.dropout = 0.2;
      const ResidualCnn model(config, 1);
      Tensors result = test::training_step(model, random_tensor({5, 13, 11, 1}, DType::f32, 2),
                                           test::random_integers({5}, 4, 3));
      result.push_back(model.logits(random_tensor({5, 13, 11, 1}, DType::f32, 4)).detach());
      set_threads(before);
      return result;
    };
    const Tensors one = step(1), two = step(2);
    for (std::size_t i = 0; i < one.size(); ++i)
      EXPECT_TRUE(test::same_bits(one[i], two[i])) << name_of(block) << ", result " << i;
  }
}

/// Checks what it is told and counts the layers.
struct Recorder : attention::Observer {
  std::vector<std::int64_t> layers;
  std::vector<Shape> shapes;  ///< of weights

  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t layer, const Tensor& weights) override {
    layers.push_back(layer);
    shapes.push_back(weights.shape());
    const auto values = weights.to_vector<float>();
    const auto keys = static_cast<std::ptrdiff_t>(weights.dim(3));
    for (auto row = values.begin(); row != values.end(); row += keys)
      EXPECT_NEAR(std::accumulate(row, row + keys, 0.0), 1, 1e-5);
  }
  void observe_gates(std::int64_t layer, const attention::Gates& gates) override {
    layers.push_back(layer);
    const Tensor& gate = gates.channels.defined() ? gates.channels : gates.places;
    for (const float value : gate.to_vector<float>()) EXPECT_TRUE(value >= 0 && value <= 1) << value;
    if (gates.places.defined()) shapes.push_back(gates.places.shape());
  }
};

TEST(ResidualCnn, ObserversSeeEveryLayerAndChangeNoBit) {
  for (const FeatureAttentionKind block : kBlocks)
    for (const DType compute : {DType::f32, DType::bf16}) {
      ResidualCnnConfig config = small(block);
      config.blocks = 2;
      ResidualCnn model(config, 1);
      // Focal modulation multiplies what it reads three times by each other: numbers of 0.8 are too large.
      if (block != FeatureAttentionKind::focal) test::fill_by_name(model, DType::f32);
      const Tensor x = random_tensor({3, 6, 4, 1}, DType::f32, 1);
      Recorder recorder;
      const Tensor plain = model.logits(x, {.compute = compute}).detach();
      EXPECT_TRUE(
          test::same_bits(model.logits(x, {.observer = &recorder, .compute = compute}).detach(), plain));
      const bool none = block == FeatureAttentionKind::none;
      EXPECT_EQ(model.observed_layers(), none ? 0 : 4);
      EXPECT_EQ(recorder.layers,
                none ? std::vector<std::int64_t>{} : (std::vector<std::int64_t>{0, 1, 2, 3}));
      std::vector<Shape> expected;
      if (block == FeatureAttentionKind::cbam || block == FeatureAttentionKind::focal)
        expected = {{3, 6, 4}, {3, 6, 4}, {3, 3, 2}, {3, 3, 2}};
      if (block == FeatureAttentionKind::self || block == FeatureAttentionKind::windows)
        expected = {{3, 1, 24, 24}, {3, 1, 24, 24}, {3, 1, 6, 6}, {3, 1, 6, 6}};
      EXPECT_TRUE(recorder.shapes == expected) << name_of(block);
    }
}

TEST(ResidualCnn, BlocksShiftTheirWindowsInTurn) {
  ResidualCnnConfig config = small(FeatureAttentionKind::windows);
  config.blocks = 2;
  config.window = 4;
  ResidualCnn model(config, 1);
  test::fill_by_name(model, DType::f32);
  struct Corner : attention::Observer {
    std::vector<bool> sees_its_row;
    bool wants(std::int64_t layer) override { return layer < 2; }
    void observe(std::int64_t, const Tensor& weights) override {
      // Does the first of 8 x 8 places see the third? Shifted by two, its window ends before.
      sees_its_row.push_back(weights.data<float>()[2] > 0);
    }
  } corner;
  model.logits(random_tensor({1, 8, 8, 1}, DType::f32, 1), {.observer = &corner});
  EXPECT_EQ(corner.sees_its_row, (std::vector<bool>{true, false}));
}

TEST(ResidualCnn, ReadsWhatTheSpatialTransformerChooses) {
  ResidualCnnConfig config = small(FeatureAttentionKind::cbam);
  config.spatial_transformer = true;
  ResidualCnn model(config, 1);
  struct Affine : Recorder {
    std::vector<std::int64_t> at;
    void observe_affine(std::int64_t layer, const Tensor&) override { at.push_back(layer); }
  } affine;
  const Tensor x = random_tensor({2, 8, 8, 1}, DType::f32, 1);
  const Tensor before = model.logits(x, {.observer = &affine}).detach();
  EXPECT_EQ(affine.at, (std::vector<std::int64_t>{2}));
  EXPECT_EQ(model.observed_layers(), 3);
  // Turned by half a circle, at its start by the bias alone.
  const std::vector<float> turned = {-1, 0, 0, 0, -1, 0};
  for (const auto& parameter : model.parameters())
    if (parameter.name == "spatial_transformer.theta.bias")
      parameter.tensor.copy_from(Tensor::from(turned, {6}));
  auto values = x.to_vector<float>();
  std::reverse(values.begin(), values.begin() + 64);
  std::reverse(values.begin() + 64, values.end());
  EXPECT_TRUE(test::close(model.logits(Tensor::from(values, {2, 8, 8, 1})).detach(), before, 1e-4, 1e-4));
}

TEST(ResidualCnn, ConvolutionsAreThoseOfTheWeights) {
  ResidualCnnConfig config = small(FeatureAttentionKind::none);
  config.blocks = 2;
  const ResidualCnn model(config, 1);
  std::vector<Shape> weights, expected;
  for (const auto& size : model.convolutions(9, 6))
    weights.push_back({size.out, size.in, size.kernel, size.kernel});
  for (const auto& parameter : model.parameters())
    if (parameter.tensor.rank() == 4) expected.push_back(parameter.tensor.shape());
  const auto sorted = [](std::vector<Shape> shapes) {
    std::ranges::sort(shapes, {}, [](const Shape& s) { return std::array{s[0], s[1], s[2]}; });
    return shapes;
  };
  EXPECT_TRUE(sorted(weights) == sorted(expected));
  // The last one, 16 channels each over 5 x 3 places, with a kernel of 3 x 3.
  EXPECT_EQ(model.convolutions(9, 6).back().flops(), 2.0 * 5 * 3 * 16 * 16 * 9);
}

TEST(ResidualCnn, FeaturesGiveTheLogits) {
  ResidualCnn model(small(FeatureAttentionKind::cbam), 1);
  test::fill_by_name(model, DType::f32);
  const Tensor x = random_tensor({3, 9, 6, 1}, DType::f32, 1);
  const Tensor features = model.features(x);
  EXPECT_TRUE(features.shape() == Shape({3, 5, 3, 16}));
  EXPECT_TRUE(test::same_bits(model.logits_of(features).detach(), model.logits(x).detach()));
  const Tensor gradient =
      autograd::gradients({model.logits_of(features)}, {features}, {Tensor::full({3, 4}, 1)})[0];
  EXPECT_TRUE(gradient.shape() == features.shape());
}

TEST(ResidualCnn, TrainingUsesTheBatchAndAnythingElseThePictureAlone) {
  ResidualCnn model(small(FeatureAttentionKind::squeeze_excitation), 1);
  test::fill_by_name(model);
  const Tensor two = random_tensor({2, 8, 8, 1}, DType::f64, 1);
  const Tensor one = Tensor::from(std::span<const double>(two.data<double>(), 64), {1, 8, 8, 1});
  const auto first_logits = [&](const Tensor& x, bool training) {
    const auto values = model.logits(x, {.training = training}).to_vector<double>();
    return Tensor::from(std::vector<double>(values.begin(), values.begin() + 4), {4});
  };
  // Other sizes of products may add in another order.
  EXPECT_TRUE(test::close(first_logits(one, false), first_logits(two, false), 1e-12, 1e-12));
  const Tensor before = first_logits(one, false);
  EXPECT_TRUE(differ(first_logits(one, true), first_logits(two, true)));
  EXPECT_TRUE(differ(first_logits(one, false), before));  // the statistics have moved
}

TEST(ResidualCnn, DropsFeaturesInTrainingAlone) {
  ResidualCnnConfig config = kSmall;
  const ResidualCnn plain(config, 1);
  config.dropout = 0.5;
  const ResidualCnn model(config, 1);
  const Tensor x = random_tensor({3, 8, 8, 1}, DType::f32, 1);
  EXPECT_TRUE(test::same_bits(model.logits(x).detach(), plain.logits(x).detach()));
  const Tensor features = model.features(x).detach();
  Generator random(1), again(1);
  const auto training = [&](Generator* generator) {
    return model.logits_of(features, {.training = true, .random = generator}).detach();
  };
  const Tensor first = training(&random);
  EXPECT_TRUE(test::same_bits(first, training(&again)));
  EXPECT_TRUE(differ(first, training(&random)));  // the next stream
  EXPECT_ERROR(model.logits(x, {.training = true}), "random");
}

TEST(ResidualCnn, RunsInBf16) {
  for (const FeatureAttentionKind block : kBlocks) {
    ResidualCnn model(small(block), 1);
    const Tensor x = random_tensor({3, 8, 8, 1}, DType::f32, 1);
    const Tensor exact = model.logits(x).detach(), computed = model.logits(x, {.compute = DType::bf16});
    EXPECT_EQ(computed.dtype(), DType::bf16);
    // Logits of some 1e-2 at the start; about ten roundings to 8 bits.
    EXPECT_TRUE(test::close(computed.detach(), exact, 5e-2, 2e-3)) << name_of(block);
    model.cast_parameters(DType::bf16);
    const Tensor stored = model.logits(x);
    EXPECT_EQ(stored.dtype(), DType::bf16);
    EXPECT_TRUE(test::close(stored, exact, 5e-2, 2e-3)) << name_of(block);
  }
}

TEST(ResidualCnn, RefusesWhatDoesNotFit) {
  const ResidualCnn model(kSmall);
  for (const Shape& shape : {Shape{8, 8, 1}, Shape{2, 8, 8, 3}, Shape{2, 1, 8, 8}, Shape{2, 8, 8, 1, 1}})
    EXPECT_ERROR(model.logits(Tensor::zeros(shape)), "[batch, height, width, 1] needed");
  EXPECT_ERROR(model.logits(Tensor()), "pictures undefined: f32 [batch, height, width, 1] needed");
  for (const Shape& shape : {Shape{0, 8, 8, 1}, Shape{2, 0, 8, 1}, Shape{2, 8, 0, 1}})
    EXPECT_ERROR(model.logits(Tensor::zeros(shape)), "[batch, height, width, 1] needed");
  EXPECT_ERROR(model.logits(Tensor::zeros({2, 8, 8, 1}, DType::i32)),
               "pictures i32 [2, 8, 8, 1]: f32 [batch, ");
  EXPECT_ERROR(model.logits(Tensor::zeros({2, 8, 8, 1}), {.compute = DType::f64}), "f64");
  EXPECT_ERROR(model.logits_of(Tensor::zeros({2, 4, 4, 8})), "[2, 8]");
  // One place is enough.
  EXPECT_TRUE(model.logits(Tensor::zeros({2, 1, 1, 1})).shape() == Shape({2, 4}));
}

class ResidualCnnLearns : public ::testing::TestWithParam<FeatureAttentionKind> {};

TEST_P(ResidualCnnLearns, WhichQuarterIsBright) {
  // Products of three projections need more care.
  const bool focal = GetParam() == FeatureAttentionKind::focal;
  const int steps = test::kSanitized ? 10 : focal ? 120 : 60;
  const double accuracy =
      test::accuracy_after_training(ResidualCnn(small(GetParam()), 1), steps, focal ? 5e-3 : 1e-2);
  if (!test::kSanitized) {
    EXPECT_GE(accuracy, 0.97);
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, ResidualCnnLearns, ::testing::ValuesIn(kBlocks),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace attend
