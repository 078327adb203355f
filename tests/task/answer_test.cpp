#include "attend/task/answer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>

#include "attend/task/text_answerer.h"
#include "support/damaged_config.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_questions.h"
#include "support/watcher.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::Watcher;

class Answer : public testing::Test {
 protected:
  Answer() { write("questions.tsv", test::tiny_questions(400)); }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  AnswerJob job(const std::string& out) const {
    AnswerJob job;
    job.data.path = folder_ / "questions.tsv";
    job.out = folder_ / out;
    job.options.model = {.context = 32, .segments = 2, .layers = 2, .heads = 2, .dim = 32, .dropout = 0.1};
    job.options.tokenizer.vocabulary = 400;
    job.options.batch = 16;
    job.options.steps = 30;
    job.options.learning_rate = 0.01;
    job.options.warmup = 10;
    job.options.precision = "f32";
    job.options.evaluate_every = 17;
    job.options.seed = 11;
    return job;
  }
  static AnswerConfig train(AnswerJob job, Watcher& watcher) {
    job.observer = &watcher;
    job.stop = &watcher.stop;
    return train_answer(job);
  }

  test::TemporaryFolder folder_;
};

TEST_F(Answer, InterruptedAndResumedGivesTheSameBits) {
  Watcher whole, first, second, third;
  const AnswerConfig expected = train(job("whole"), whole);
  EXPECT_EQ(expected.results->ended, "steps");
  EXPECT_EQ(expected.data->questions, 720);
  EXPECT_EQ(expected.data->validation_questions, 80);
  EXPECT_EQ(expected.data->texts, 360);
  AnswerJob parts = job("parts");
  first.stop_after = 21;  // between two evaluations
  EXPECT_EQ(train(parts, first).results->ended, "interrupted");
  parts.resume = true;
  parts.data.path.clear();
  const AnswerConfig resumed = train(parts, second);
  EXPECT_EQ(second.updates, 9);
  EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
  EXPECT_EQ(resumed.scores->f1, expected.scores->f1);
  EXPECT_TRUE(test::read_all(folder_ / "whole" / "model.safetensors") ==
              test::read_all(folder_ / "parts" / "model.safetensors"));
  EXPECT_EQ(train(parts, third).results->step, 30);
  EXPECT_EQ(third.updates, 0);
}

TEST_F(Answer, AResumeMustFitWhatItBegan) {
  Watcher watcher;
  AnswerJob again = job("model");
  again.options.steps = 2;
  train(again, watcher);
  again.resume = true;
  AnswerJob other = again;
  other.options.stride = 7;
  EXPECT_ERROR(train_answer(other), "stride 7: the training in");
  other = again;
  other.options.model.dim = 16;
  EXPECT_ERROR(train_answer(other), "begun with another model");
  write("other.tsv", test::tiny_questions(400, 0, 8));
  other = again;
  other.data.path = folder_ / "other.tsv";
  EXPECT_ERROR(train_answer(other), "other questions than those");
  other.resume = false;
  EXPECT_ERROR(train_answer(other), "already holds a model");
}

TEST_F(Answer, BadDataIsNamedAndNothingIsWritten) {
  const auto fails = [&](const std::string& name, const std::string& content, const char* part) {
    write(name, content);
    AnswerJob bad = job("bad");
    bad.data.path = folder_ / name;
    EXPECT_ERROR(train_answer(bad), part);
    EXPECT_FALSE(fs::exists(bad.out));
  };
  fails("bad.tsv", "who\tanna is here\tanna\nwho\tanna\tben\n", "bad.tsv, line 2: the answer 'ben'");
  fails("bad.tsv", "who\tanna\n", "bad.tsv, line 1: 2 columns");
  fails("bad.tsv", "who\tanna is here\tanna\t1\n", "character 1 of the context is where 'nna '");
  fails("bad.tsv", "who\tanna is here\tanna\n", "1 questions about 1 texts are too few");
  fails("bad.json", "{\"data\": [", "bad.json");
  fails("bad.json", "{\"data\": []}", "bad.json: no question in it");
  AnswerJob skipping = job("skipping");
  write("bad.tsv", test::tiny_questions(50) + "who\tanna\tben\t0\n");
  skipping.data = {.path = folder_ / "bad.tsv", .skip_bad = true};
  skipping.options.steps = 1;
  Watcher watcher;
  EXPECT_EQ(train(skipping, watcher).data->skipped, 1);
  EXPECT_NE(watcher.said.find("1 bad records skipped"), std::string::npos) << watcher.said;
}

TEST_F(Answer, OptionsAreChecked) {
  for (const AnswerPreset& preset : answer_presets()) EXPECT_NO_THROW(validate(answer_preset(preset.name)));
  EXPECT_ERROR(answer_preset("huge"), "preset 'huge': small, nano, base are accepted");
  const auto fails = [](const auto& change, const char* part) {
    AnswerOptions options = answer_preset("small");
    change(options);
    EXPECT_ERROR(validate(options), part);
  };
  fails([](AnswerOptions& o) { o.stride = 0; }, "stride 0: a value from 1");
  fails([](AnswerOptions& o) { o.model.context = 4; }, "context 4: at least 8");
  fails([](AnswerOptions& o) { o.model.segments = 0; }, "segments 0: a question and a text are 2");
  fails([](AnswerOptions& o) { o.label_smoothing = 0.1; }, "label_smoothing 0.1: only 0");
}

/// One model that has learned to answer.
class TrainedAnswer : public Answer {
 protected:
  static void SetUpTestSuite() {
    TrainedAnswer once;
    once.write("some.tsv", test::tiny_questions(400, 5));
    AnswerJob longer = once.job("model");
    longer.data.path = once.folder_ / "some.tsv";
    longer.options.model = {.context = 32,
                            .segments = 2,
                            .layers = 2,
                            .heads = 4,
                            .dim = 64,
                            .positions = model::Positions::rotary};
    longer.options.batch = 32;
    longer.options.steps = 300;
    longer.options.learning_rate = 0.005;
    longer.options.warmup = 50;
    longer.options.token_dropout = 0;
    longer.options.evaluate_every = 100;
    Watcher watcher;
    config = train(longer, watcher);
    shared = std::make_unique<TextAnswerer>(longer.out);
    card = test::read_all(longer.out / "README.md");
  }
  static void TearDownTestSuite() { shared.reset(); }
  void TestBody() override {}

  static TextAnswer answer(const std::string& question, const std::string& context) {
    const Question one{.context = context, .question = question};
    return shared->answer(std::span(&one, 1))[0];
  }

  static inline std::unique_ptr<TextAnswerer> shared;
  static inline AnswerConfig config;
  static inline std::string card;
};

TEST_F(TrainedAnswer, LearnsToAnswerAndWhenNotTo) {
  EXPECT_GE(config.scores->exact, 95);
  EXPECT_GE(config.scores->f1, 95);
  ASSERT_TRUE(config.no_answer);
  EXPECT_EQ(config.data->without_answer, 144);
  write("test.tsv", test::tiny_questions(100, 4, 99));
  const AnswerEvaluation evaluation = shared->evaluate({.path = folder_ / "test.tsv"});
  EXPECT_EQ(evaluation.questions, 200);
  EXPECT_EQ(evaluation.windows, 200);
  EXPECT_GE(evaluation.score.with_answer.exact, 95);
  EXPECT_GE(evaluation.score.without_answer.exact, 95);
  EXPECT_EQ(evaluation.score.without_answer.questions, 50);
  // A threshold that no question reaches: all are answered, and those without an answer wrongly.
  EXPECT_EQ(shared->evaluate({.path = folder_ / "test.tsv"}, 1e9).score.without_answer.exact, 0);
  EXPECT_EQ(shared->evaluate({.path = folder_ / "test.tsv"}, -1e9).score.with_answer.exact, 0);
  EXPECT_NE(card.find("| Exact match | "), std::string::npos) << card;
  EXPECT_NE(card.find("| No answer | above "), std::string::npos) << card;
}

TEST_F(TrainedAnswer, TellsTheAnswerItsPlaceAndItsScore) {
  const std::string text = "so anna day lamp the oslo";
  const TextAnswer found = answer("where", text);
  EXPECT_EQ(found.text, "oslo");
  EXPECT_EQ(found.begin, text.find("oslo"));
  EXPECT_EQ(found.end, found.begin + 4);
  EXPECT_GT(found.score, 0);
  EXPECT_GT(found.probability, 0.5);
  EXPECT_LE(found.probability, 1 + 1e-6);
  EXPECT_TRUE(shared->counts(found));
  const TextAnswer absent = answer("where", "so anna day lamp the");
  EXPECT_LT(absent.score, found.score);
  EXPECT_FALSE(shared->counts(absent));
  EXPECT_TRUE(shared->counts(absent, 1e9));
  EXPECT_ERROR(answer("", text), "the question is empty");
  EXPECT_ERROR(answer("where", ""), "the text that is asked about is empty");
  EXPECT_ERROR(answer("where", " \n"), "the text that is asked about is empty");
  // White space is no answer, whatever the model makes of a sign that it never learnt.
  for (const char* question : {"who", "where", "what"})
    EXPECT_NE(answer(question, "\n\n" + text + "\n\n").text, "") << question;
  // What is asked beside a question changes nothing.
  const std::vector<Question> both = {{.context = text, .question = "who"},
                                      {.context = text, .question = "where"}};
  const auto answers = shared->answer(both);
  EXPECT_EQ(answers[0].text, "anna");
  EXPECT_EQ(answers[1].text, "oslo");
  EXPECT_NEAR(answers[1].score, found.score, 1e-3);
}

TEST_F(TrainedAnswer, ReadsLongTextsInWindows) {
  // Far more tokens than a window has; the answer stands behind many that say nothing.
  std::string text;
  for (int i = 0; i < 20; ++i) text += "so lamp day ";
  text += "anna the rome was";
  const TextAnswer found = answer("where", text);
  EXPECT_EQ(found.text, "rome");
  EXPECT_EQ(found.begin, text.find("rome"));
  // Longer than half of a window, so cut.
  std::string question = "where";
  for (int i = 0; i < 30; ++i) question += " so";
  EXPECT_NO_THROW(answer(question, text));
}

TEST_F(TrainedAnswer, ShowsTheEvidence) {
  const std::string text = "so anna day lamp the oslo";
  const explain::WordScores scores = shared->see({.context = text, .question = "where"});
  EXPECT_NO_THROW(explain::check(scores));
  EXPECT_EQ(scores.text, "where\n" + text);
  EXPECT_EQ(scores.title.find("oslo: score "), 0u) << scores.title;
  ASSERT_EQ(scores.measures.size(), 2u);
  EXPECT_EQ(scores.measures[1].name, "hidden");
  // Words that say nothing count less than the question and the answer.
  const std::vector<double>& hidden = scores.measures[1].scores;
  ASSERT_EQ(hidden.size(), 7u);
  for (const std::size_t filler : {1u, 3u, 5u}) {
    EXPECT_GT(hidden[0], hidden[filler]);
    EXPECT_GT(hidden[6], hidden[filler]);
  }
}

TEST_F(Answer, DamagedConfigsAreRefused) {
  Watcher watcher;
  AnswerJob short_one = job("model");
  short_one.options.steps = 1;
  train(short_one, watcher);
  // Every question has an answer.
  EXPECT_EQ(test::read_all(folder_ / "model" / "config.json").find("no_answer"), std::string::npos);
  test::expect_damage_is_told<TextAnswerer>(
      folder_ / "model", {
                             {"\"segments\": 2", "\"segments\": 0", "a question and a text are 2"},
                             {"\"scores\"", "\"no_answer\": \"x\", \"scores\"", "\"no_answer\" is no number"},
                             {"\"exact\"", "\"exakt\"", "unknown key 'exakt'"},
                             {"\"task\": \"answer\"", "\"task\": \"tag\"", "config.json"},
                         });
}

}  // namespace
}  // namespace attend::task
