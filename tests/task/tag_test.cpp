#include "attend/task/tag.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <random>

#include "attend/task/tagger.h"
#include "support/damaged_config.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/sanitized.h"
#include "support/temporary_folder.h"
#include "support/tiny_tags.h"
#include "support/watcher.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using test::Watcher;
using Words = std::vector<std::string>;

class Tag : public testing::Test {
 protected:
  Tag() { write("names.txt", test::tiny_tags(300)); }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  TagJob job(const std::string& out) const {
    TagJob job;
    job.data = folder_ / "names.txt";
    job.out = folder_ / out;
    job.options.model = {.context = 64, .layers = 1, .heads = 2, .dim = 32, .dropout = 0.1};
    job.options.tokenizer.vocabulary = 400;
    job.options.batch = 16;
    job.options.steps = 30;
    job.options.learning_rate = 0.01;
    job.options.warmup = 4;
    job.options.precision = "f32";
    job.options.evaluate_every = 17;
    job.options.seed = 11;
    return job;
  }
  static TagConfig train(const TagJob& job, Watcher& watcher) {
    TagJob watched = job;
    watched.observer = &watcher;
    watched.stop = &watcher.stop;
    return train_tag(watched);
  }

  TemporaryFolder folder_;
};

TEST_F(Tag, InterruptedAndResumedGivesTheSameBits) {
  Watcher whole, first, second, third;
  const TagConfig expected = train(job("whole"), whole);
  EXPECT_EQ(expected.results->ended, "steps");
  TagJob parts = job("parts");
  first.stop_after = 21;  // between two evaluations, in the second epoch
  EXPECT_EQ(train(parts, first).results->ended, "interrupted");
  parts.resume = true;
  parts.data.clear();
  const TagConfig resumed = train(parts, second);
  EXPECT_EQ(second.updates, 9);
  EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
  EXPECT_EQ(resumed.scores->accuracy, expected.scores->accuracy);
  EXPECT_TRUE(test::read_all(folder_ / "whole" / "model.safetensors") ==
              test::read_all(folder_ / "parts" / "model.safetensors"));
  EXPECT_EQ(train(parts, third).results->step, 30);
  EXPECT_EQ(third.updates, 0);
  EXPECT_NE(third.said.find("nothing left to do: the training had reached 30 updates"), std::string::npos);
}

TEST_F(Tag, AResumeMustFitWhatItBegan) {
  Watcher watcher;
  TagJob again = job("model");
  again.options.steps = 2;
  train(again, watcher);
  again.resume = true;
  TagJob other = again;
  other.options.head = "softmax";
  EXPECT_ERROR(train_tag(other), "head softmax: the training in");
  other = again;
  other.options.model.dim = 16;
  EXPECT_ERROR(train_tag(other), "begun with another model");
  write("other.txt", test::tiny_tags(300, 8));
  other = again;
  other.data = folder_ / "other.txt";
  EXPECT_ERROR(train_tag(other), "other sentences than those");
  other.resume = false;
  EXPECT_ERROR(train_tag(other), "already holds a model");
}

TEST_F(Tag, BadDataIsNamedAndNothingIsWritten) {
  const auto fails = [&](const std::string& content, const char* part) {
    write("bad.txt", content);
    TagJob bad = job("bad");
    bad.data = folder_ / "bad.txt";
    EXPECT_ERROR(train_tag(bad), part);
    EXPECT_FALSE(fs::exists(bad.out));
  };
  fails("a O\nb\n", "bad.txt, line 2: 1 column; expected 2");
  fails("", "bad.txt: no sentence in it");
  fails("a O\n\nb O\n", "2 sentences are too few");
  std::string last;
  for (int i = 0; i < 20; ++i) last += i < 19 ? "a X\nb Y\n\n" : "a Z\n\n";
  fails(last, "the last 10 %, which are for validation: no tag 'Z'");
  TagJob skipping = job("skipping");
  write("bad.txt", test::tiny_tags(100) + "\na O O\n\n");
  skipping.data = folder_ / "bad.txt";
  skipping.options.skip_bad = true;
  skipping.options.steps = 1;
  Watcher watcher;
  EXPECT_EQ(train(skipping, watcher).data->skipped, 1);
  EXPECT_NE(watcher.said.find("1 bad records skipped"), std::string::npos) << watcher.said;
}

TEST_F(Tag, OptionsAndFormatsAreChecked) {
  for (const TagPreset& preset : tag_presets()) EXPECT_NO_THROW(validate(tag_preset(preset.name)));
  EXPECT_ERROR(tag_preset("huge"), "preset 'huge': small, nano, base are accepted");
  TagOptions options;
  options.head = "hmm";
  EXPECT_ERROR(validate(options), "head 'hmm': crf, softmax are accepted");
  options = {};
  options.model.context = 1;
  EXPECT_ERROR(validate(options), "context 1: at least 2");
  EXPECT_EQ(tagged_options("a.conllu", "auto", 0, {}).tag_column, 4);
  EXPECT_EQ(tagged_options("a.conllu", "auto", 5, {}).tag_column, 5);
  EXPECT_EQ(tagged_options("a.iob2", "auto", 0, {}).tag_column, 3);
  EXPECT_FALSE(tagged_options("a.conllu", "conll", 0, {}).numbered);
  EXPECT_EQ(tagged_options("a.txt", "auto", 0, {}).tag_column, -1);
}

/// Tags that the letters of a word tell alone, and hardly any word stands there twice.
std::string spelt_tags(int sentences, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < sentences; ++i) {
    for (int w = 0; w < 6; ++w) {
      const bool noun = random() % 2 == 0;
      std::string word;
      for (unsigned n = 4 + random() % 3; n > 0; --n) word += static_cast<char>('a' + random() % 26);
      text += word + (noun ? "ness NOUN\n" : "ly ADV\n");
    }
    text += "\n";
  }
  return text;
}

TEST_F(Tag, AConvolutionReadsTheLettersOfWords) {
  write("names.txt", spelt_tags(150, 3));
  write("test.txt", spelt_tags(50, 4));
  Watcher watcher;
  TagJob spelt = job("spelt"), parts = job("parts");
  for (TagJob* each : {&spelt, &parts}) {
    each->options.tokenizer.kind = "char";
    each->options.head = "softmax";
    each->options.char_cnn = 16;
    each->options.steps = test::kSanitized ? 12 : 120;
    each->options.token_dropout = 0.9;  // the tokens tell nearly nothing
  }
  const TagConfig config = train(spelt, watcher);
  EXPECT_EQ(config.model.characters, 27);  // letters and the unknown
  const Tagger tagger(spelt.out);
  const double accuracy = tagger.evaluate(folder_ / "test.txt").accuracy;
  const Words tags = tagger.tag(std::vector<Words>{{"quickly", "darkness"}})[0].tags;
  if (!test::kSanitized) {
    EXPECT_GE(config.scores->accuracy, 0.95);
    EXPECT_GE(accuracy, 0.95);
    EXPECT_EQ(tags, (Words{"ADV", "NOUN"}));
  }
  EXPECT_EQ(tagger.see({"quickly", "darkness"}).maps.queries.size(), 3u);
  Watcher first, second;
  first.stop_after = test::kSanitized ? 5 : 50;
  train(parts, first);
  parts.resume = true;
  train(parts, second);
  EXPECT_TRUE(test::read_all(spelt.out / "model.safetensors") ==
              test::read_all(parts.out / "model.safetensors"));
}

TEST_F(Tag, WeightsAreChosenByTheMetricAskedFor) {
  Watcher watcher;
  TagJob wrong = job("model");
  write("words.txt", spelt_tags(20, 3));
  wrong.data = folder_ / "words.txt";
  wrong.options.monitor = "f1";
  EXPECT_ERROR(train_tag(wrong), "monitor f1: the tags of");
  for (const char* monitor : {"auto", "accuracy", "loss"}) {
    TagJob good = job(monitor);
    good.options.steps = 2;
    good.options.monitor = monitor;
    train(good, watcher);
    const bool metric =
        test::read_all(good.out / "metrics.jsonl").find("validation_metric") != std::string::npos;
    EXPECT_EQ(metric, good.options.monitor != "loss");
  }
  EXPECT_NE(test::read_all(folder_ / "auto" / "README.md").find("chosen by\nthe F1 of spans"),
            std::string::npos);
  TagOptions options;
  options.monitor = "bleu";
  EXPECT_ERROR(validate(options), "monitor 'bleu': auto, f1, accuracy, loss are accepted");
}

/// One model that has learned to tag.
class TrainedTagger : public Tag {
 protected:
  static void SetUpTestSuite() {
    TrainedTagger once;
    TagJob longer = once.job("model");
    longer.options.steps = 300;
    longer.options.learning_rate = 0.02;
    longer.options.token_dropout = 0;
    Watcher watcher;
    scores = *train(longer, watcher).scores;
    shared = std::make_unique<Tagger>(longer.out);
    card = test::read_all(longer.out / "README.md");
  }
  static void TearDownTestSuite() { shared.reset(); }
  void TestBody() override {}

  static inline std::unique_ptr<Tagger> shared;
  static inline TagScores scores;
  static inline std::string card;
};

TEST_F(TrainedTagger, Learns) {
  EXPECT_GE(scores.accuracy, 0.97);
  EXPECT_GE(scores.span_f1, 0.95);
  write("test.txt", test::tiny_tags(100, 99));
  const TagEvaluation evaluation = shared->evaluate(folder_ / "test.txt");
  EXPECT_EQ(evaluation.sentences, 100);
  EXPECT_GE(evaluation.accuracy, 0.98);
  EXPECT_LE(evaluation.loss, 0.1);
  ASSERT_TRUE(evaluation.spans);
  EXPECT_GE(evaluation.spans->micro.f1, 0.96);
  EXPECT_NE(card.find("| F1 of spans | "), std::string::npos) << card;
  EXPECT_NE(card.find("`B-LOC` `B-PER` `I-PER` `O`"), std::string::npos) << card;
}

TEST_F(TrainedTagger, TagsSentencesInTheirOrderAndInParts) {
  const std::vector<Words> sentences = {{"so", "Anna", "old", "was", "that"}, {"Paris"}, {}};
  const auto answers = shared->tag(sentences);
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].tags, (Words{"O", "B-PER", "I-PER", "O", "O"}));
  EXPECT_EQ(answers[1].tags, Words{"B-LOC"});
  EXPECT_TRUE(answers[2].tags.empty());
  for (const double probability : answers[0].probabilities) {
    EXPECT_GT(probability, 0.5);
    EXPECT_LE(probability, 1 + 1e-9);
  }
  // Far more tokens than the context.
  Words longest;
  for (int i = 0; i < 60; ++i) longest.emplace_back(i % 4 == 0 ? "Rome" : "man");
  const SentenceTags tags = shared->tag(std::vector<Words>{longest})[0];
  ASSERT_EQ(tags.tags.size(), 60u);
  ASSERT_EQ(tags.probabilities.size(), 60u);
  for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(tags.tags[i], i % 4 == 0 ? "B-LOC" : "O") << i;
}

TEST_F(TrainedTagger, ShowsWhereItLooksWordByWord) {
  const Words sentence = {"so", "Anna", "old", "was"};
  const TagSight sight = shared->see(sentence);
  EXPECT_EQ(sight.maps.queries, (Words{"[start]", "so", "Anna", "old", "was"}));
  EXPECT_EQ(sight.maps.layers, 1);
  EXPECT_EQ(sight.maps.heads, 2);
  EXPECT_NO_THROW(explain::check(sight.maps));
  for (std::size_t row = 0; row < 10; ++row) {
    double sum = 0;
    for (std::size_t key = 0; key < 5; ++key) sum += sight.maps.weights[5 * row + key];
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  EXPECT_EQ(sight.tags.tags, shared->tag(std::span(&sentence, 1))[0].tags);
  EXPECT_ERROR(shared->see({}), "has no word");
  EXPECT_ERROR(shared->see(Words(100, "Rome")), "more tokens than the 64");
}

TEST_F(TrainedTagger, UnknownTagsAreNamedOrSkipped) {
  write("test.txt", "the O\nman O\n\nAnna B-PRE\n\nRome B-LOC\n");
  EXPECT_ERROR(shared->evaluate(folder_ / "test.txt"),
               "test.txt, line 4: no tag 'B-PRE'; did you mean 'B-PER'?");
  const TagEvaluation evaluation =
      shared->evaluate(folder_ / "test.txt", {.bad_records = data::BadRecords::kSkip});
  EXPECT_EQ(evaluation.sentences, 2);
  EXPECT_EQ(evaluation.skipped.count, 1);
}

TEST_F(Tag, DamagedConfigsAreRefused) {
  Watcher watcher;
  TagJob short_one = job("model");
  short_one.options.steps = 1;
  train(short_one, watcher);
  test::expect_damage_is_told<Tagger>(
      folder_ / "model",
      {
          {"\"B-PER\"", "\"A-PER\"", "are not sorted and different"},
          {"\"head\": \"crf\"", "\"head\": \"crd\"", "\"head\" 'crd': crf, softmax are accepted"},
          {"\"head\"", "\"haed\"", "unknown key 'haed'"},
          {"\"task\": \"tag\"", "\"task\": \"generate\"", "config.json"},
      });
}

}  // namespace
}  // namespace attend::task
