#include "attend/model/unet.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "attend/base/parallel.h"
#include "attend/model/residual_cnn.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/image_models.h"

namespace attend {
namespace {

using model::UNet;
using model::unet_config_from_json;
using model::UNetConfig;
using nn::FeatureAttentionKind;
using nn::FeatureNormKind;

const UNetConfig kTiny{.channels = 1, .classes = 3, .width = 4, .levels = 2, .norm_groups = 2};

TEST(UNetConfig, JsonGoesThereAndBack) {
  const UNetConfig config{.channels = 5,
                          .classes = 7,
                          .width = 24,
                          .levels = 3,
                          .blocks = 2,
                          .block = FeatureAttentionKind::cbam,
                          .norm = FeatureNormKind::batch,
                          .norm_groups = 5,
                          .gates = false,
                          .dropout = 0.25};
  EXPECT_EQ(unet_config_from_json(to_json(config)), config);
  EXPECT_EQ(unet_config_from_json("{}"), UNetConfig{});
  EXPECT_EQ(UNetConfig{}.stride(), 8);
}

TEST(UNetConfig, WrongKeysAndValuesAreNamedWithTheAcceptedOnes) {
  EXPECT_ERROR(unet_config_from_json(R"({"gate": true})", "config.json"),
               "config.json: unknown key \"gate\"; did you mean \"gates\"?");
  EXPECT_ERROR(unet_config_from_json("[]", "config.json"), "config.json: a JSON object needed");
  EXPECT_ERROR(unet_config_from_json(R"({"levels": 9})"), "levels 9: an integer from 1 to 8");
  EXPECT_ERROR(unet_config_from_json(R"({"classes": 1})"), "classes 1: an integer from 2 to 255");
  EXPECT_ERROR(unet_config_from_json(R"({"blocks": -1})"), "blocks -1: an integer from 0 to 1000");
  EXPECT_ERROR(unet_config_from_json(R"({"block": "gate"})"), R"(block "gate": one of "none", "se")");
  EXPECT_ERROR(unet_config_from_json(R"({"norm": "layer"})"), R"(norm "layer": one of "batch", "group")");
  EXPECT_ERROR(unet_config_from_json(R"({"norm_groups": 3})"),
               "norm_groups 3: a number that divides the width 16");
  EXPECT_ERROR(unet_config_from_json(R"({"gates": 1})"), "gates 1: true or false");
  EXPECT_ERROR(unet_config_from_json(R"({"dropout": 1})"), "dropout 1: a number from 0 and below 1");
}

Tensor unet_logits(const UNetConfig& config) {
  UNet model(config);
  test::fill_by_name(model, DType::f32);
  Generator random(4);
  return model
      .logits(test::random_tensor({2, 8, 8, config.channels}, DType::f32, 2),
              {.training = true, .random = &random})
      .detach();
}

TEST(UNetConfig, EachKeyChangesTheModel) {
  struct Change {
    const char* key;
    std::function<void(UNetConfig&)> to;
    bool parameters = true;  ///< are others
  };
  const std::vector<Change> changes = {
      {"channels", [](UNetConfig& c) { c.channels = 2; }},
      {"classes", [](UNetConfig& c) { c.classes = 5; }},
      {"width", [](UNetConfig& c) { c.width = 8; }},
      {"levels", [](UNetConfig& c) { c.levels = 3; }},
      {"blocks", [](UNetConfig& c) { c.blocks = 1; }},
      {"block", [](UNetConfig& c) { c.block = FeatureAttentionKind::squeeze_excitation; }},
      {"norm", [](UNetConfig& c) { c.norm = FeatureNormKind::batch; }},
      {"norm_groups", [](UNetConfig& c) { c.norm_groups = 1; }, false},
      {"gates", [](UNetConfig& c) { c.gates = false; }},
      {"dropout", [](UNetConfig& c) { c.dropout = 0.5; }, false},
  };
  std::set<std::string> tested, known;
  EXPECT_FALSE(test::differ(unet_logits(kTiny), unet_logits(kTiny)));
  for (const auto& [key, to, parameters] : changes) {
    tested.insert(key);
    UNetConfig after = kTiny;
    to(after);
    EXPECT_EQ(test::parameter_list(UNet(kTiny)) != test::parameter_list(UNet(after)), parameters) << key;
    EXPECT_TRUE(test::differ(unet_logits(kTiny), unet_logits(after))) << key;
  }
  const auto json = nlohmann::json::parse(to_json(kTiny));
  for (const auto& [key, value] : json.items()) known.insert(key);
  EXPECT_EQ(tested, known);
}

void expect_same_bits(const UNetConfig& config) {
  const auto step = [&](int count) {
    set_threads(count);
    UNet model(config);
    const Tensor logits =
        model.logits(test::random_tensor({3, 20, 28, 3}, DType::f32, 1), {.training = true});
    autograd::backward(op::cross_entropy(logits, test::random_integers({3, 20, 28}, 4, 2)));
    autograd::Tensors result = {logits.detach()};
    for (const auto& parameter : model.parameters())
      if (parameter.trainable) result.push_back(autograd::grad(parameter.tensor));
    return result;
  };
  const int before = threads();
  const autograd::Tensors one = step(1), two = step(2);
  set_threads(before);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(test::same_bits(one[i], two[i])) << i;
}

TEST(UNet, GradientsAreTheSameBitsForOneThreadAndTwo) {
  expect_same_bits({.channels = 3, .classes = 4, .width = 8, .levels = 3});
}

TEST(UNet, GradientsOfResidualBlocksAreTheSameBitsForOneThreadAndTwo) {
  expect_same_bits({.channels = 3,
                    .classes = 4,
                    .width = 8,
                    .levels = 3,
                    .blocks = 2,
                    .block = FeatureAttentionKind::cbam,
                    .norm = FeatureNormKind::batch});
}

const model::ResidualCnnConfig kClassifier{.channels = 1,
                                           .classes = 5,
                                           .width = 4,
                                           .stages = 2,
                                           .blocks = 2,
                                           .block = FeatureAttentionKind::squeeze_excitation};

UNetConfig like_classifier(std::int64_t levels) {
  return {.channels = 1,
          .classes = kClassifier.width << (levels - 1),
          .width = kClassifier.width,
          .levels = levels,
          .blocks = kClassifier.blocks,
          .block = kClassifier.block,
          .norm = FeatureNormKind::batch};
}

TEST(UNet, StartsWithTheLayersOfAClassifier) {
  model::ResidualCnnConfig one_stage = kClassifier;
  one_stage.stages = 1;
  model::ResidualCnn classifier(one_stage);
  test::fill_by_name(classifier, DType::f32);
  UNet network(like_classifier(1));
  for (const auto& parameter : network.parameters())
    if (parameter.name == "head.weight")
      parameter.tensor.copy_from(Tensor::from(std::vector<float>{1, 0, 0, 0, 0, 1, 0, 0,  //
                                                                 0, 0, 1, 0, 0, 0, 0, 1},
                                              parameter.tensor.shape()));
  const Tensor pictures = test::random_tensor({2, 6, 8, 1}, DType::f32, 5);
  EXPECT_TRUE(test::differ(network.logits(pictures), classifier.features(pictures)));
  network.start_from(classifier);
  EXPECT_FALSE(test::differ(network.logits(pictures), classifier.features(pictures)));
}

TEST(UNet, TakesOfAClassifierTheLevelsThatBothHave) {
  model::ResidualCnn classifier(kClassifier);
  test::fill_by_name(classifier, DType::f32);
  const auto of = [](const nn::Module& module) {
    std::map<std::string, Tensor> tensors;
    for (const auto& parameter : module.parameters()) tensors[parameter.name] = parameter.tensor;
    return tensors;
  };
  const auto theirs = of(classifier);
  for (const std::int64_t levels : {1, 2, 3}) {
    const UNet before(like_classifier(levels));
    UNet after(like_classifier(levels));
    after.start_from(classifier);
    const auto old = of(before), own = of(after);
    std::set<std::string> taken;
    for (const auto& [name, tensor] : own)
      if (!test::same_bits(tensor, old.at(name))) taken.insert(name);
    const auto expect_taken = [&](const std::string& name, const std::string& from) {
      EXPECT_TRUE(test::same_bits(own.at(name), theirs.at(from))) << name;
      taken.erase(name);
    };
    for (const auto& [name, tensor] : theirs) {
      if (name.starts_with("stem.")) expect_taken("down.0." + name, name);
      if (name.starts_with("stages.0.") || (levels > 1 && name.starts_with("stages.1.")))
        expect_taken("down." + name.substr(7), name);
      if (name.starts_with("norm.") && levels > 1) expect_taken("down.1." + name, name);
    }
    EXPECT_EQ(taken, std::set<std::string>()) << levels;
  }
}

TEST(UNet, SaysWhatDoesNotFitAClassifierToStartFrom) {
  const auto fails = [](const char* part, auto change) {
    UNetConfig config = like_classifier(2);
    change(config);
    UNet network(config);
    EXPECT_ERROR(network.start_from(model::ResidualCnn(kClassifier)), part);
  };
  fails("channels 3: the classifier to start from has 1", [](UNetConfig& c) { c.channels = 3; });
  fails("width 8: the classifier", [](UNetConfig& c) { c.width = 8; });
  fails("blocks 0: the classifier", [](UNetConfig& c) { c.blocks = 0; });
  fails("block cbam: the classifier", [](UNetConfig& c) { c.block = FeatureAttentionKind::cbam; });
  fails("norm group: the classifier", [](UNetConfig& c) {
    c.norm = FeatureNormKind::group;
    c.norm_groups = 4;
  });
  UNet network(like_classifier(2));
  const auto refuses = [&](const char* part, auto change) {
    model::ResidualCnnConfig config = kClassifier;
    change(config);
    EXPECT_ERROR(network.start_from(model::ResidualCnn(config)), part);
  };
  refuses("reduction 8: the classifier to start from has 4", [](auto& c) { c.reduction = 4; });
  refuses("window 7: the classifier", [](auto& c) { c.window = 5; });
  refuses("spatial_transformer false: the classifier", [](auto& c) { c.spatial_transformer = true; });
}

class LevelCollector : public attention::Observer {
 public:
  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t, const Tensor&) override {}
  void observe_gates(std::int64_t layer, const attention::Gates& gates) override {
    shapes[layer] = gates.places.shape().text();
  }
  std::map<std::int64_t, std::string> shapes;
};

TEST(UNet, TheGateOfEachLevelIsObservedAndChangesNothing) {
  UNetConfig config = kTiny;
  config.levels = 3;
  const UNet model(config);
  EXPECT_EQ(model.observed_layers(), 2);
  const Tensor pictures = test::random_tensor({2, 8, 12, 1}, DType::f32, 3);
  LevelCollector collector;
  const Tensor seen = model.logits(pictures, {.observer = &collector}).detach();
  EXPECT_EQ(collector.shapes, (std::map<std::int64_t, std::string>{{0, "[2, 8, 12]"}, {1, "[2, 4, 6]"}}));
  EXPECT_TRUE(test::same_bits(seen, model.logits(pictures).detach()));
  config.gates = false;
  EXPECT_EQ(UNet(config).observed_layers(), 0);
}

TEST(UNet, TheAttentionOfEachBlockIsObserved) {
  UNetConfig config = kTiny;
  config.block = FeatureAttentionKind::cbam;
  for (const std::int64_t blocks : {0, 2}) {
    config.blocks = blocks;
    const UNet model(config);
    EXPECT_EQ(model.observed_gates(), 1);
    EXPECT_EQ(model.observed_layers(), blocks == 0 ? 3 : 5);
    const Tensor pictures = test::random_tensor({2, 8, 12, 1}, DType::f32, 3);
    LevelCollector collector;
    const Tensor seen = model.logits(pictures, {.observer = &collector}).detach();
    const std::string fine = "[2, 8, 12]", coarse = "[2, 4, 6]";
    EXPECT_EQ(collector.shapes, blocks == 0
                                    ? (std::map<std::int64_t, std::string>{{0, fine}, {1, fine}, {2, coarse}})
                                    : (std::map<std::int64_t, std::string>{
                                          {0, fine}, {1, fine}, {2, fine}, {3, coarse}, {4, coarse}}));
    EXPECT_TRUE(test::same_bits(seen, model.logits(pictures).detach()));
  }
}

TEST(UNet, ComputesInBf16NearTheSame) {
  const UNet model(kTiny);
  const Tensor pictures = test::random_tensor({2, 8, 8, 1}, DType::f32, 3);
  const Tensor half = model.logits(pictures, {.compute = DType::bf16}).detach();
  EXPECT_EQ(half.dtype(), DType::bf16);
  // Eight bits of mantissa, and nine layers one after the other.
  EXPECT_TRUE(test::close(half, model.logits(pictures).detach(), 0.1, 0.1));
}

TEST(UNet, RefusesPicturesThatDoNotFit) {
  const UNet model(kTiny);
  EXPECT_ERROR(model.logits(Tensor::zeros({1, 8, 8, 2})), "f32 [batch, height, width, 1]");
  EXPECT_ERROR(model.logits(Tensor::zeros({1, 8, 7, 1})), "multiples of 2, needed");
  EXPECT_ERROR(model.logits(Tensor::zeros({0, 8, 8, 1})), "needed");
  EXPECT_ERROR(model.logits({}), "undefined");
}

}  // namespace
}  // namespace attend
