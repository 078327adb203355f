#include "attend/model/seq2seq_config.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace attend {
namespace {

using model::Positions;
using model::Seq2SeqConfig;

TEST(Seq2SeqConfigTest, JsonGoesThereAndBack) {
  const Seq2SeqConfig config{.source_vocabulary = 70,
                             .target_vocabulary = 70,
                             .shared_vocabulary = true,
                             .tied_embeddings = false,
                             .context = 33,
                             .encoder_layers = 3,
                             .decoder_layers = 1,
                             .heads = 6,
                             .key_heads = 2,
                             .dim = 48,
                             .feed_forward = 99,
                             .norm = nn::NormKind::rms,
                             .norm_epsilon = 1e-6,
                             .post_norm = true,
                             .positions = Positions::rotary,
                             .rotary_base = 5e5,
                             .scaled_embeddings = false,
                             .encoder_attention = "shaw",
                             .decoder_attention = "alibi",
                             .cross_attention = "additive",
                             .activation = nn::HiddenActivation::swiglu,
                             .bias = false,
                             .dropout = 0.25,
                             .initialisation_std = 0.05};
  EXPECT_EQ(model::seq2seq_config_from_json(to_json(config)), config);
  EXPECT_EQ(model::seq2seq_config_from_json("{}"), Seq2SeqConfig{});
}

TEST(Seq2SeqConfigTest, WhatDoesNotFitIsNamed) {
  const auto read = [](const char* text) { return model::seq2seq_config_from_json(text, "config.json"); };
  EXPECT_ERROR(read(R"({"encoder_layer": 3})"),
               "config.json: unknown key \"encoder_layer\"; did you mean \"encoder_layers\"?");
  EXPECT_ERROR(read(R"({"shared_vocabulary": true, "target_vocabulary": 9})"),
               "source_vocabulary 256 and target_vocabulary 9 differ");
  EXPECT_ERROR(read(R"({"cross_attention": "alibi"})"), "cross_attention alibi depends on places");
  EXPECT_ERROR(read(R"({"cross_attention": "nystrom"})"), "cross_attention nystrom depends on");
  EXPECT_ERROR(read(R"({"encoder_attention": "prefix"})"), "encoder_attention prefix is causal");
  EXPECT_ERROR(read(R"({"encoder_attention": "reinforce"})"), "encoder_attention reinforce");
  EXPECT_ERROR(read(R"({"decoder_attention": "linformer"})"),
               "decoder_attention linformer lets a token see those that follow");
  EXPECT_ERROR(read(R"({"decoder_attention": "nothing"})"), "nothing");
  EXPECT_ERROR(read(R"({"dim": 100, "heads": 3})"), "heads 3 do not divide dim 100");
  EXPECT_ERROR(read(R"({"post_norm": 1})"), "post_norm 1: true or false needed");
}

}  // namespace
}  // namespace attend
