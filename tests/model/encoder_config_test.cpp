#include "attend/model/encoder_config.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace attend {
namespace {

using model::encoder_config_from_json;
using model::EncoderConfig;

TEST(EncoderConfig, JsonGoesThereAndBack) {
  const EncoderConfig config{.vocabulary = 77,
                             .context = 12,
                             .segments = 3,
                             .layers = 3,
                             .heads = 6,
                             .key_heads = 2,
                             .dim = 48,
                             .feed_forward = 99,
                             .norm = nn::NormKind::rms,
                             .norm_epsilon = 1e-6,
                             .post_norm = true,
                             .embedding_norm = true,
                             .positions = model::Positions::rotary,
                             .rotary_base = 5e5,
                             .attention = "alibi",
                             .activation = nn::HiddenActivation::swiglu,
                             .bias = false,
                             .dropout = 0.25,
                             .initialisation_std = 0.05};
  EXPECT_EQ(encoder_config_from_json(to_json(config)), config);
  for (const auto& name : model::encoder_preset_names()) {
    EXPECT_EQ(encoder_config_from_json(to_json(model::encoder_preset(name))), model::encoder_preset(name));
    EXPECT_NO_THROW(validate(model::encoder_preset(name))) << name;
  }
  EXPECT_EQ(encoder_config_from_json("{}"), EncoderConfig{});
  EXPECT_ERROR(model::encoder_preset("huge"),
               "unknown preset 'huge': the presets are nano, small, bert-base");
}

TEST(EncoderConfig, WrongKeysAndValuesAreNamedWithTheAcceptedOnes) {
  EXPECT_ERROR(encoder_config_from_json(R"({"segmnts": 3})", "config.json"),
               "config.json: unknown key \"segmnts\"; did you mean \"segments\"?");
  EXPECT_ERROR(encoder_config_from_json(R"({"segments": -1})"), "segments -1: an integer from 0 to");
  EXPECT_ERROR(encoder_config_from_json(R"({"post_norm": 1})"), "post_norm 1: true or false needed");
  EXPECT_ERROR(encoder_config_from_json("[]", "config.json"), "config.json: a JSON object needed");
  EXPECT_ERROR(encoder_config_from_json("{", "config.json"), "config.json: not valid JSON");
}

TEST(EncoderConfig, WhatDoesNotFitTogetherIsNamed) {
  EXPECT_ERROR(encoder_config_from_json(R"({"dim": 100, "heads": 3})"), "heads 3 do not divide dim 100");
  EXPECT_ERROR(encoder_config_from_json(R"({"dim": 96, "heads": 6, "key_heads": 4})"),
               "key_heads 4 do not divide heads 6");
  EXPECT_ERROR(encoder_config_from_json(R"({"dim": 512, "heads": 1})"), "512 features a head: at most 256");
  EXPECT_ERROR(encoder_config_from_json(R"({"dim": 9, "heads": 3, "positions": "rotary"})"),
               "3 features a head: rotary");
  EXPECT_ERROR(encoder_config_from_json(R"({"dim": 9, "heads": 3, "positions": "sinusoidal"})"),
               "dim 9: sinusoidal");
}

TEST(EncoderConfig, AttentionMustLookBothWays) {
  for (const char* name : {"linformer", "nystrom", "sparsemax", "longformer", "t5"})
    EXPECT_NO_THROW(encoder_config_from_json(std::string(R"({"attention": ")") + name + "\"}")) << name;
  for (const char* name : {"prefix", "reinforce"})
    EXPECT_ERROR(encoder_config_from_json(std::string(R"({"attention": ")") + name + "\"}"),
                 std::string("attention ") + name);
  EXPECT_ERROR(encoder_config_from_json(R"({"attention": "sparsmax"})"), "sparsemax");
}

}  // namespace
}  // namespace attend
