#include "task/generate/config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace attend::task {
namespace {

using test::TemporaryFolder;

/// No value is the default of its field.
GenerateConfig unusual() {
  GenerateConfig config;
  config.model = {.vocabulary = 77,
                  .context = 24,
                  .layers = 3,
                  .heads = 6,
                  .key_heads = 2,
                  .dim = 48,
                  .feed_forward = 100,
                  .norm = nn::NormKind::rms,
                  .positions = model::Positions::rotary,
                  .activation = nn::HiddenActivation::swiglu,
                  .tied_embeddings = false,
                  .bias = false,
                  .dropout = 0.25};
  config.tokenizer = "unigram";
  GenerateOptions options;
  options.preset = "small";
  options.model = config.model;
  options.tokenizer = {.kind = "unigram", .vocabulary = 777};
  options.batch = 5;
  options.accumulate = 3;
  options.steps = 0;
  options.minutes = 1.5;
  options.learning_rate = 0.1 + 0.2;
  options.minimum_learning_rate = 1.0 / 3;
  options.warmup = 7;
  options.schedule = "linear";
  options.beta1 = 0.8;
  options.beta2 = 0.95;
  options.weight_decay = 0.01;
  options.clip = 0.7;
  options.label_smoothing = 0.05;
  options.precision = "bf16";
  options.evaluate_every = 11;
  options.save_every = 13;
  options.patience = 17;
  options.recompute = true;
  options.seed = UINT64_MAX;
  config.training = options;
  config.data = TextFacts{.path = "texts/a \"b\".txt",
                          .checksum = UINT64_MAX - 1,
                          .bytes = 1001,
                          .characters = 999,
                          .tokens = 500,
                          .validation_tokens = 50,
                          .validation_characters = 98};
  config.results = TrainingResults{
      .ended = "minutes", .step = 123, .seconds = 4.5, .validation_loss = 1.0 / 7, .best_step = 110};
  return config;
}

class GenerateConfigTest : public testing::Test {
 protected:
  GenerateConfig round_trip(const GenerateConfig& config) const {
    write_generate_config(folder_.path(), config);
    return read_generate_config(folder_.path());
  }
  void write(const std::string& text) const { std::ofstream(folder_ / "config.json") << text; }

  TemporaryFolder folder_;
};

TEST_F(GenerateConfigTest, RoundTrip) {
  const GenerateConfig config = unusual(), got = round_trip(config);
  EXPECT_EQ(got.model, config.model);
  EXPECT_EQ(got.tokenizer, config.tokenizer);
  ASSERT_TRUE(got.training && got.data && got.results);
  const GenerateOptions &a = *got.training, &b = *config.training;
  EXPECT_EQ(a.model, b.model);
  EXPECT_EQ(a.preset, b.preset);
  EXPECT_EQ(a.tokenizer.kind, b.tokenizer.kind);
  EXPECT_EQ(a.tokenizer.vocabulary, b.tokenizer.vocabulary);
  EXPECT_EQ(a.batch, b.batch);
  EXPECT_EQ(a.accumulate, b.accumulate);
  EXPECT_EQ(a.steps, b.steps);
  EXPECT_EQ(a.minutes, b.minutes);
  EXPECT_EQ(a.learning_rate, b.learning_rate);
  EXPECT_EQ(a.minimum_learning_rate, b.minimum_learning_rate);
  EXPECT_EQ(a.warmup, b.warmup);
  EXPECT_EQ(a.schedule, b.schedule);
  EXPECT_EQ(a.beta1, b.beta1);
  EXPECT_EQ(a.beta2, b.beta2);
  EXPECT_EQ(a.weight_decay, b.weight_decay);
  EXPECT_EQ(a.clip, b.clip);
  EXPECT_EQ(a.label_smoothing, b.label_smoothing);
  EXPECT_EQ(a.precision, b.precision);
  EXPECT_EQ(a.evaluate_every, b.evaluate_every);
  EXPECT_EQ(a.save_every, b.save_every);
  EXPECT_EQ(a.patience, b.patience);
  EXPECT_EQ(a.recompute, b.recompute);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(got.data->path, config.data->path);
  EXPECT_EQ(got.data->checksum, config.data->checksum);
  EXPECT_EQ(got.data->bytes, config.data->bytes);
  EXPECT_EQ(got.data->characters, config.data->characters);
  EXPECT_EQ(got.data->tokens, config.data->tokens);
  EXPECT_EQ(got.data->validation_tokens, config.data->validation_tokens);
  EXPECT_EQ(got.data->validation_characters, config.data->validation_characters);
  EXPECT_EQ(got.results->ended, config.results->ended);
  EXPECT_EQ(got.results->step, config.results->step);
  EXPECT_EQ(got.results->seconds, config.results->seconds);
  EXPECT_EQ(got.results->validation_loss, config.results->validation_loss);
  EXPECT_EQ(got.results->best_step, config.results->best_step);
}

TEST_F(GenerateConfigTest, WhatIsAbsentStaysAbsent) {
  GenerateConfig config = unusual();
  config.results->validation_loss.reset();
  EXPECT_FALSE(round_trip(config).results->validation_loss);
  config.training.reset();
  config.data.reset();
  config.results.reset();
  const GenerateConfig got = round_trip(config);
  EXPECT_FALSE(got.training || got.data || got.results);
}

TEST_F(GenerateConfigTest, HostileNamesAreShownInOneLine) {
  const auto refuses = [&](const std::string& section, const std::string& part) {
    write(R"({"format": 1, "task": "generate", "model": {}, )" + section + "}");
    EXPECT_ERROR(read_generate_config(folder_.path()), part);
  };
  refuses(R"("co\nlour": 1)", R"('co\x0alour')");
  refuses(R"("results": {"co\nlour": 1})", R"('co\x0alour')");
  refuses(R"("training": {"schedule": "co\u001bsine"})", R"('co\x1bsine')");
  refuses(R"("model": {"co\nlour": 1})", "lour");
  write(R"({"format": 1, "task": "fo\nld"})");
  EXPECT_ERROR(read_generate_config(folder_.path()), R"('fo\x0ald')");
}

TEST(GenerateOptionsTest, EveryPresetIsValid) {
  for (const GeneratePreset& preset : generate_presets()) {
    const GenerateOptions options = generate_preset(preset.name);
    EXPECT_EQ(options.preset, preset.name);
    EXPECT_NO_THROW(validate(options)) << preset.name;
  }
  EXPECT_ERROR(generate_preset("no\nne"), R"('no\x0ane')");
}

TEST(GenerateOptionsTest, EveryValueOutOfRangeIsNamed) {
  const auto refuses = [](auto member, auto value, const char* part) {
    GenerateOptions options = generate_preset("nano");
    options.*member = value;
    EXPECT_ERROR(validate(options), part);
  };
  refuses(&GenerateOptions::batch, 0, "batch 0");
  refuses(&GenerateOptions::accumulate, 0, "accumulate 0");
  refuses(&GenerateOptions::steps, -1, "steps -1");
  refuses(&GenerateOptions::steps, 0, "steps 0 and minutes 0");
  refuses(&GenerateOptions::minutes, std::nan(""), "minutes");
  refuses(&GenerateOptions::learning_rate, 0.0, "learning_rate");
  refuses(&GenerateOptions::schedule, "sudden", "'sudden'");
  refuses(&GenerateOptions::beta2, 1.0, "beta2");
  refuses(&GenerateOptions::label_smoothing, 1.0, "label_smoothing");
  refuses(&GenerateOptions::precision, "f16", "'f16'");
}

}  // namespace
}  // namespace attend::task
