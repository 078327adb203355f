#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "attend/model/vision_transformer.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/image_models.h"

namespace attend {
namespace {

using model::PatchPooling;
using model::PatchPositions;
using model::PatchStem;
using model::vision_transformer_config_from_json;
using model::VisionTransformer;
using model::VisionTransformerConfig;
using test::differ;
using test::parameter_list;
using test::random_tensor;

const VisionTransformerConfig kSmall{
    .height = 8, .width = 8, .channels = 1, .classes = 4, .patch = 2, .layers = 1, .heads = 2, .dim = 16};

TEST(VisionTransformerConfig, JsonGoesThereAndBack) {
  for (const PatchPooling pooling : {PatchPooling::token, PatchPooling::mean})
    for (const PatchPositions positions : {PatchPositions::learned, PatchPositions::sinusoidal}) {
      const VisionTransformerConfig config{.height = 24,
                                           .width = 36,
                                           .channels = 5,
                                           .classes = 7,
                                           .patch = 6,
                                           .layers = 3,
                                           .heads = 6,
                                           .dim = 48,
                                           .feed_forward = 99,
                                           .pooling = pooling,
                                           .positions = positions,
                                           .attention = "cosine",
                                           .distillation = pooling == PatchPooling::mean,
                                           .dropout = 0.25};
      EXPECT_EQ(vision_transformer_config_from_json(to_json(config)), config);
      EXPECT_EQ(config.patches(), 4 * 6);
    }
  EXPECT_EQ(vision_transformer_config_from_json("{}"), VisionTransformerConfig{});
  VisionTransformerConfig config = kSmall;
  config.stem = PatchStem::convolutions;
  EXPECT_EQ(vision_transformer_config_from_json(to_json(config)), config);
}

TEST(VisionTransformerConfig, WrongKeysAndValuesAreNamedWithTheAcceptedOnes) {
  const auto read = [](const char* text) { return vision_transformer_config_from_json(text, "config.json"); };
  EXPECT_ERROR(read(R"({"poling": "mean"})"),
               "config.json: unknown key \"poling\"; did you mean \"pooling\"?");
  EXPECT_ERROR(read("[]"), "config.json: a JSON object needed");
  EXPECT_ERROR(read("{"), "config.json: not valid JSON");
  for (const char* key : {"height", "width", "channels", "classes", "patch", "layers", "heads", "dim"})
    EXPECT_ERROR(read((std::string("{\"") + key + "\": 0}").c_str()),
                 std::string(key) + " 0: an integer from 1 to");
  EXPECT_ERROR(read(R"({"height": 65537})"), "height 65537: an integer from 1 to 65536");
  EXPECT_ERROR(read(R"({"feed_forward": -1})"), "feed_forward -1: an integer from 0 to");
  EXPECT_ERROR(read(R"({"pooling": "max"})"), R"(pooling "max": one of "token", "mean" needed)");
  EXPECT_ERROR(read(R"({"positions": "rotary"})"),
               R"(positions "rotary": one of "learned", "sinusoidal" needed)");
  EXPECT_ERROR(read(R"({"attention": "sparsmax"})"), "sparsemax");
  EXPECT_ERROR(read(R"({"attention": "prefix"})"), "attention prefix");
  EXPECT_ERROR(read(R"({"attention": "reinforce"})"), "attention reinforce");
  EXPECT_ERROR(read(R"({"stem": "conv"})"), R"(stem "conv": one of "linear", "convolutions" needed)");
  EXPECT_ERROR(read(R"({"dropout": 1})"), "dropout 1: a number from 0 and below 1");
}

TEST(VisionTransformerConfig, WhatDoesNotFitTogetherIsNamed) {
  const auto read = [](const char* text) { return vision_transformer_config_from_json(text); };
  EXPECT_ERROR(read(R"({"patch": 5})"), "patch 5 does not divide pictures of 32 x 32");
  EXPECT_ERROR(read(R"({"patch": 4, "height": 30})"), "patch 4 does not divide pictures of 30 x 32");
  EXPECT_ERROR(read(R"({"patch": 4, "width": 30})"), "patch 4 does not divide pictures of 32 x 30");
  EXPECT_ERROR(read(R"({"patch": 64})"), "patch 64 does not divide");
  EXPECT_ERROR(read(R"({"dim": 100, "heads": 3})"), "heads 3 do not divide dim 100");
  EXPECT_ERROR(read(R"({"dim": 512, "heads": 1})"), "512 features a head: at most 256");
  EXPECT_ERROR(read(R"({"dim": 18, "positions": "sinusoidal"})"), "dim 18: a multiple of 4 needed");
  EXPECT_NO_THROW(read(R"({"dim": 18})"));
  EXPECT_ERROR(read(R"({"stem": "convolutions", "height": 30, "width": 30, "patch": 6})"),
               "patch 6: a stem of convolutions needs a power of two");
  EXPECT_ERROR(read(R"({"stem": "convolutions", "patch": 1})"),
               "patch 1: a stem of convolutions needs a power of two of at least 2");
  EXPECT_ERROR(read(R"({"stem": "convolutions", "patch": 16, "dim": 36})"),
               "dim 36: a stem of convolutions needs a multiple of 8, half of patch 16");
  VisionTransformerConfig config = kSmall;
  config.patch = 3;
  EXPECT_ERROR(VisionTransformer{config}, "patch 3 does not divide pictures of 8 x 8");
}

/// In training, where dropout shows too.
Tensor logits_of(const VisionTransformerConfig& config) {
  VisionTransformer model(config);
  test::fill_by_name(model);
  Generator random(4);
  return model
      .logits(random_tensor({3, config.height, config.width, config.channels}, DType::f32, 2),
              {.training = true, .random = &random})
      .detach();
}

TEST(VisionTransformerConfig, EachKeyChangesTheModel) {
  struct Change {
    const char* key;
    std::function<void(VisionTransformerConfig&)> to;
    bool parameters = true;  ///< are others
  };
  const std::vector<Change> changes = {
      {"height", [](VisionTransformerConfig& c) { c.height = 6; }},
      {"width", [](VisionTransformerConfig& c) { c.width = 10; }},
      {"channels", [](VisionTransformerConfig& c) { c.channels = 2; }},
      {"classes", [](VisionTransformerConfig& c) { c.classes = 5; }},
      {"patch", [](VisionTransformerConfig& c) { c.patch = 4; }},
      {"stem", [](VisionTransformerConfig& c) { c.stem = PatchStem::convolutions; }},
      {"layers", [](VisionTransformerConfig& c) { c.layers = 2; }},
      {"heads", [](VisionTransformerConfig& c) { c.heads = 4; }, false},
      {"dim", [](VisionTransformerConfig& c) { c.dim = 24; }},
      {"feed_forward", [](VisionTransformerConfig& c) { c.feed_forward = 10; }},
      {"pooling", [](VisionTransformerConfig& c) { c.pooling = PatchPooling::token; }},
      {"positions", [](VisionTransformerConfig& c) { c.positions = PatchPositions::sinusoidal; }},
      {"attention", [](VisionTransformerConfig& c) { c.attention = "sparsemax"; }, false},
      {"distillation", [](VisionTransformerConfig& c) { c.distillation = true; }},
      {"dropout", [](VisionTransformerConfig& c) { c.dropout = 0.5; }, false},
  };
  std::set<std::string> tested, known;
  const Tensor before = logits_of(kSmall);
  EXPECT_FALSE(differ(before, logits_of(kSmall)));
  for (const auto& [key, to, parameters] : changes) {
    tested.insert(key);
    VisionTransformerConfig after = kSmall;
    to(after);
    EXPECT_EQ(parameter_list(VisionTransformer(kSmall)) != parameter_list(VisionTransformer(after)),
              parameters)
        << key;
    EXPECT_TRUE(differ(before, logits_of(after))) << key;
  }
  const auto json = nlohmann::json::parse(to_json(kSmall));
  for (const auto& [key, value] : json.items()) known.insert(key);
  EXPECT_EQ(tested, known);
}

}  // namespace
}  // namespace attend
