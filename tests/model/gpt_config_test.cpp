#include "attend/model/gpt_config.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace attend {
namespace {

using model::gpt_config_from_json;
using model::GptConfig;

TEST(GptConfig, JsonGoesThereAndBack) {
  GptConfig config{.vocabulary = 77,
                   .context = 12,
                   .layers = 3,
                   .heads = 6,
                   .key_heads = 2,
                   .dim = 48,
                   .feed_forward = 99,
                   .norm = nn::NormKind::rms,
                   .norm_epsilon = 1e-6,
                   .positions = model::Positions::rotary,
                   .rotary_base = 5e5,
                   .attention = "alibi",
                   .activation = nn::HiddenActivation::swiglu,
                   .tied_embeddings = false,
                   .bias = false,
                   .dropout = 0.25,
                   .initialisation_std = 0.05};
  EXPECT_EQ(gpt_config_from_json(to_json(config)), config);
  for (const auto& name : model::gpt_preset_names())
    EXPECT_EQ(gpt_config_from_json(to_json(model::gpt_preset(name))), model::gpt_preset(name)) << name;
  EXPECT_EQ(gpt_config_from_json("{}"), GptConfig{});
  EXPECT_EQ(gpt_config_from_json(R"({"positions": "sinusoidal", "activation": "relu"})"),
            (GptConfig{.positions = model::Positions::sinusoidal, .activation = nn::HiddenActivation::relu}));
}

TEST(GptConfig, PresetsAreWhatTheySay) {
  EXPECT_EQ(model::gpt_preset("nano"), (GptConfig{.context = 64, .layers = 4, .heads = 4, .dim = 128}));
  const GptConfig gpt2 = model::gpt_preset("gpt2-124m");
  EXPECT_EQ(gpt2.vocabulary, 50257);
  EXPECT_EQ(gpt2.context, 1024);
  EXPECT_EQ(gpt2.feed_forward_used(), 3072);
  EXPECT_EQ(gpt2.activation, nn::HiddenActivation::gelu_tanh);
  EXPECT_TRUE(gpt2.tied_embeddings && gpt2.bias);
  EXPECT_EQ(model::gpt_preset("small").feed_forward_used(), 1024);  // 8/3 of 384
  EXPECT_EQ((GptConfig{.dim = 128, .activation = nn::HiddenActivation::geglu}.feed_forward_used()), 384);
  for (const auto& name : model::gpt_preset_names())
    EXPECT_NO_THROW(validate(model::gpt_preset(name))) << name;
  EXPECT_ERROR(model::gpt_preset("huge"), "unknown preset 'huge': the presets are nano, small, gpt2-124m");
}

TEST(GptConfig, UnknownKeysAreNamedWithTheNearestKnownOneOrAll) {
  EXPECT_ERROR(gpt_config_from_json(R"({"layrs": 3})", "config.json"),
               "config.json: unknown key \"layrs\"; did you mean \"layers\"?");
  EXPECT_ERROR(gpt_config_from_json(R"({"drop_out": 0.1})"), "did you mean \"dropout\"?");
  EXPECT_ERROR(gpt_config_from_json(R"({"colour_of_hair": 1})"),
               "unknown key \"colour_of_hair\"; there are: vocabulary, context, layers");
  EXPECT_ERROR(gpt_config_from_json("{\"a\\nb\\u0000\": 1}"), "unknown key \"a\\nb\\u0000\"");
}

TEST(GptConfig, WrongValuesAreNamedWithTheAcceptedOnes) {
  EXPECT_ERROR(gpt_config_from_json(R"({"layers": "3"})"), "layers \"3\": an integer from 1 to 10000 needed");
  EXPECT_ERROR(gpt_config_from_json(R"({"layers": 3.5})"), "layers 3.5: an integer from 1 to 10000 needed");
  EXPECT_ERROR(gpt_config_from_json(R"({"layers": 0})"), "layers 0: an integer from 1");
  EXPECT_ERROR(gpt_config_from_json(R"({"layers": 18446744073709551615})"),
               "layers 18446744073709551615: an integer");
  EXPECT_ERROR(gpt_config_from_json(R"({"dropout": 1})"), "dropout 1: a number from 0 and below 1 needed");
  EXPECT_ERROR(gpt_config_from_json(R"({"dropout": null})"),
               "dropout null: a number from 0 and below 1 needed");
  EXPECT_ERROR(gpt_config_from_json(R"({"norm_epsilon": 0})"), "norm_epsilon 0: a number above 0");
  EXPECT_ERROR(gpt_config_from_json(R"({"bias": 1})"), "bias 1: true or false needed");
  EXPECT_ERROR(gpt_config_from_json(R"({"norm": "batch"})"),
               "norm \"batch\": one of \"layer\", \"rms\" needed");
  EXPECT_ERROR(gpt_config_from_json(R"({"activation": ["relu"]})"),
               "one of \"gelu_tanh\", \"gelu\", \"relu\"");
}

TEST(GptConfig, WhatDoesNotFitTogetherIsNamedWithBothNumbers) {
  EXPECT_ERROR(gpt_config_from_json(R"({"dim": 100, "heads": 3})"), "heads 3 do not divide dim 100");
  EXPECT_ERROR(gpt_config_from_json(R"({"dim": 96, "heads": 6, "key_heads": 4})"),
               "key_heads 4 do not divide heads 6");
  EXPECT_ERROR(gpt_config_from_json(R"({"dim": 512, "heads": 1})"), "512 features a head: at most 256");
  EXPECT_ERROR(gpt_config_from_json(R"({"dim": 9, "heads": 3, "positions": "rotary"})"),
               "3 features a head: rotary");
  EXPECT_ERROR(gpt_config_from_json(R"({"dim": 9, "heads": 3, "positions": "sinusoidal"})"),
               "dim 9: sinusoidal");
}

TEST(GptConfig, TextThatIsNoObjectIsRefused) {
  for (const char* text : {"", "{", "{\"layers\": 3", "\xff\xfe", "nul"})
    EXPECT_ERROR(gpt_config_from_json(text, "config.json"), "config.json: not valid JSON");
  for (const char* text : {"[]", "3", "null", "\"x\""})
    EXPECT_ERROR(gpt_config_from_json(text, "config.json"), "config.json: a JSON object needed");
  const std::string deep(100000, '[');
  EXPECT_ERROR(gpt_config_from_json(deep), "not valid JSON");
}

}  // namespace
}  // namespace attend
