#include "attend/task/pretrain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>

#include "attend/task/pretrained_encoder.h"
#include "support/damaged_config.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_echoes.h"
#include "support/watcher.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

class Pretrain : public testing::Test {
 protected:
  Pretrain() { write("echoes.txt", test::tiny_echoes(200)); }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  PretrainJob job(const std::string& out) const {
    PretrainJob job;
    job.data = folder_ / "echoes.txt";
    job.out = folder_ / out;
    job.options.model = {.context = 32, .layers = 1, .heads = 2, .dim = 32, .dropout = 0.1};
    job.options.tokenizer.vocabulary = 400;
    job.options.batch = 8;
    job.options.steps = 30;
    job.options.learning_rate = 0.01;
    job.options.warmup = 4;
    job.options.precision = "f32";
    job.options.evaluate_every = 17;
    job.options.seed = 11;
    return job;
  }
  static PretrainConfig train(const PretrainJob& job, test::Watcher& watcher) {
    PretrainJob watched = job;
    watched.observer = &watcher;
    watched.stop = &watcher.stop;
    return train_pretrain(watched);
  }

  TemporaryFolder folder_;
};

TEST_F(Pretrain, InterruptedAndResumedGivesTheSameBits) {
  test::Watcher whole, first, second, third;
  const PretrainConfig expected = train(job("whole"), whole);
  EXPECT_EQ(expected.results->ended, "steps");
  PretrainJob parts = job("parts");
  first.stop_after = 21;  // between two evaluations
  EXPECT_EQ(train(parts, first).results->ended, "interrupted");
  parts.resume = true;
  parts.data.clear();
  const PretrainConfig resumed = train(parts, second);
  EXPECT_EQ(second.updates, 9);
  EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
  EXPECT_TRUE(test::read_all(folder_ / "whole" / "model.safetensors") ==
              test::read_all(folder_ / "parts" / "model.safetensors"));
  EXPECT_EQ(train(parts, third).results->step, 30);
  EXPECT_EQ(third.updates, 0);
  PretrainJob other = parts;
  other.options.mask_words = false;
  EXPECT_ERROR(train_pretrain(other), "mask_words false: the training in");
  other = parts;
  other.options.model.layers = 2;
  EXPECT_ERROR(train_pretrain(other), "begun with another model");
  write("other.txt", test::tiny_echoes(200, 8));
  other = parts;
  other.data = folder_ / "other.txt";
  EXPECT_ERROR(train_pretrain(other), "another text than the one");
  other.resume = false;
  EXPECT_ERROR(train_pretrain(other), "already holds a model");
}

TEST_F(Pretrain, BadInputIsNamedAndNothingIsWritten) {
  const auto fails = [&](const std::string& content, const char* part) {
    write("bad.txt", content);
    PretrainJob bad = job("bad");
    bad.data = folder_ / "bad.txt";
    EXPECT_ERROR(train_pretrain(bad), part);
    EXPECT_FALSE(fs::exists(bad.out));
  };
  fails("", "bad.txt is empty");
  fails("caf\xe9 and more of it", "bad.txt is not UTF-8");
  fails("a b c d", "are too few, the last 10 %");
  fails("red red red red red red red red red red red red red red red red red red red red red red red red\n",
        "choose a context of at most");
  PretrainJob missing = job("bad");
  missing.data.clear();
  EXPECT_ERROR(train_pretrain(missing), "--data FILE|DIR is needed");
  PretrainJob unhidden = job("bad");
  unhidden.options.mask_share = 0.001;
  unhidden.data = folder_ / "short.txt";
  write("short.txt", test::tiny_echoes(3));
  EXPECT_ERROR(train_pretrain(unhidden), "none of the tokens to evaluate on was hidden");
  EXPECT_FALSE(fs::exists(folder_ / "bad"));
}

TEST_F(Pretrain, OptionsAreChecked) {
  for (const PretrainPreset& preset : pretrain_presets())
    EXPECT_NO_THROW(validate(pretrain_preset(preset.name)));
  EXPECT_ERROR(pretrain_preset("huge"), "preset 'huge': small, nano, bert-base are accepted");
  PretrainOptions options;
  options.mask_share = 0;
  EXPECT_ERROR(validate(options), "mask_share 0: a value from 0.001 to 0.999");
  options = {};
  options.model.context = 1;
  EXPECT_ERROR(validate(options), "context 1: at least 2");
  options = {};
  options.label_smoothing = 0.1;
  EXPECT_ERROR(validate(options), "label_smoothing 0.1: only 0");
}

/// One model that has learned to tell words.
class TrainedPretrain : public Pretrain {
 protected:
  static void SetUpTestSuite() {
    TrainedPretrain once;
    PretrainJob longer = once.job("model");
    longer.options.steps = 150;
    longer.options.learning_rate = 0.01;
    longer.options.model.dropout = 0;
    test::Watcher watcher;
    config = train(longer, watcher);
    shared = std::make_unique<PretrainedEncoder>(longer.out);
    card = test::read_all(longer.out / "README.md");
  }
  static void TearDownTestSuite() { shared.reset(); }
  void TestBody() override {}

  static inline std::unique_ptr<PretrainedEncoder> shared;
  static inline PretrainConfig config;
  static inline std::string card;
};

TEST_F(TrainedPretrain, LearnsToTellHiddenWords) {
  EXPECT_LE(*config.results->validation_loss, 0.1);
  const FilledText filled = shared->fill("blue blue [MASK] blue blue", 3);
  EXPECT_EQ(filled.text, "blue blue blue blue blue");
  ASSERT_EQ(filled.candidates.size(), 1u);
  ASSERT_EQ(filled.candidates[0].size(), 3u);
  EXPECT_EQ(filled.candidates[0][0].first, " blue");
  EXPECT_GT(filled.candidates[0][0].second, 0.8);
  EXPECT_GE(filled.candidates[0][0].second, filled.candidates[0][1].second);
  EXPECT_EQ(shared->fill("west west[MASK] west [MASK]").text, "west west west west west");
  EXPECT_NE(card.find("| Masked perplexity | "), std::string::npos) << card;
  EXPECT_NE(card.find("from random weights"), std::string::npos) << card;
  EXPECT_ERROR(shared->fill("red green"), "no [MASK] in it");
  EXPECT_ERROR(shared->fill(test::tiny_echoes(1) + "[MASK]"), "this model sees at most 32");
}

TEST_F(TrainedPretrain, EvaluationHidesTheSameBySeed) {
  const auto ids = shared->tokenizer().encode(test::tiny_echoes(60, 99));
  const data::TokenView tokens(std::span<const std::int32_t>(ids), shared->tokenizer().size());
  const MaskedEvaluation one = shared->evaluate(tokens), again = shared->evaluate(tokens, 1),
                         other = shared->evaluate(tokens, 2);
  EXPECT_EQ(one.tokens, tokens.size());
  EXPECT_GT(one.targets, tokens.size() / 20);
  EXPECT_EQ(one.loss, again.loss);
  EXPECT_NE(one.loss, other.loss);
  EXPECT_LE(one.loss, 0.2);
  EXPECT_DOUBLE_EQ(one.perplexity, std::exp(one.loss));
}

TEST_F(TrainedPretrain, ShowsWhereItLooks) {
  const MaskedSight sight = shared->see("red red [MASK] red");
  const FilledText filled = shared->fill("red red [MASK] red");
  EXPECT_EQ(sight.filled.text, filled.text);
  EXPECT_EQ(sight.filled.candidates, filled.candidates);  // looking changes no bit
  EXPECT_NO_THROW(explain::check(sight.maps));
  EXPECT_EQ(sight.maps.layers, 1);
  EXPECT_EQ(sight.maps.heads, 2);
  EXPECT_FALSE(sight.maps.causal);
  EXPECT_EQ(sight.maps.queries.front(), "[start]");
  EXPECT_EQ(std::ranges::count(sight.maps.queries, "[MASK]"), 1);
  EXPECT_TRUE(shared->see("red green").filled.candidates.empty());
  EXPECT_ERROR(shared->see(""), "empty");
}

TEST_F(Pretrain, DamagedConfigsAreRefused) {
  test::Watcher watcher;
  PretrainJob short_one = job("model");
  short_one.options.steps = 1;
  train(short_one, watcher);
  test::expect_damage_is_told<PretrainedEncoder>(
      folder_ / "model", {
                             {"\"mask_share\"", "\"mask_shares\"", "unknown key 'mask_shares'"},
                             {"\"layers\": 1", "\"layers\": 0", "layers 0"},
                             {"\"task\": \"pretrain\"", "\"task\": \"tag\"", "one of pretrain is needed"},
                         });
}

}  // namespace
}  // namespace attend::task
