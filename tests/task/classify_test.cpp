#include "attend/task/classify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "attend/task/text_classifier.h"
#include "support/damaged_config.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_reviews.h"
#include "support/watcher.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using test::Watcher;

class Classify : public testing::Test {
 protected:
  Classify() { write("reviews.csv", test::tiny_reviews(300)); }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  ClassifyJob job(const std::string& out) const {
    ClassifyJob job;
    job.data = folder_ / "reviews.csv";
    job.out = folder_ / out;
    job.options.labels = {"mood", "topic"};
    job.options.model = {.context = 32, .layers = 1, .heads = 2, .dim = 32, .dropout = 0.1};
    job.options.tokenizer = {.kind = "bpe", .vocabulary = 320};
    job.options.batch = 16;
    job.options.steps = 30;
    job.options.evaluate_every = 10;
    job.options.learning_rate = 0.01;
    job.options.warmup = 4;
    job.options.precision = "f32";
    job.options.seed = 11;
    return job;
  }
  static ClassifyConfig train(const ClassifyJob& job, Watcher& watcher) {
    ClassifyJob watched = job;
    watched.observer = &watcher;
    watched.stop = &watcher.stop;
    return train_classify(watched);
  }

  TemporaryFolder folder_;
};

TEST_F(Classify, InterruptedAndResumedGivesTheSameBits) {
  Watcher whole, first, second;
  ClassifyJob once = job("whole");
  once.options.bag_of_words = true;
  const ClassifyConfig expected = train(once, whole);
  EXPECT_EQ(expected.results->ended, "steps");
  EXPECT_EQ(read_classify_config(once.out).model.bag_of_words, expected.model.encoder.vocabulary - 4);
  ClassifyJob parts = once;
  parts.out = folder_ / "parts";
  first.stop_after = 21;  // between two evaluations, in the second epoch
  EXPECT_EQ(train(parts, first).results->ended, "interrupted");
  parts.resume = true;
  parts.data.clear();
  const ClassifyConfig resumed = train(parts, second);
  EXPECT_EQ(second.updates, 9);
  EXPECT_EQ(resumed.results->step, 30);
  EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
  EXPECT_EQ(resumed.scores[0].accuracy, expected.scores[0].accuracy);
  EXPECT_TRUE(test::read_all(folder_ / "whole" / "model.safetensors") ==
              test::read_all(folder_ / "parts" / "model.safetensors"));
  Watcher third;
  EXPECT_EQ(train(parts, third).results->step, 30);
  EXPECT_EQ(third.updates, 0);
  EXPECT_NE(third.said.find("nothing left to do: the training had reached 30 updates of 30"),
            std::string::npos)
      << third.said;
}

TEST_F(Classify, AResumeMustFitWhatItBegan) {
  Watcher watcher;
  ClassifyJob again = job("model");
  again.options.steps = 2;
  train(again, watcher);
  again.resume = true;
  ClassifyJob other = again;
  other.options.batch = 8;
  EXPECT_ERROR(train_classify(other), "batch 8: the training in");
  other = again;
  other.options.model.dim = 16;
  EXPECT_ERROR(train_classify(other), "begun with another model");
  write("other.csv", test::tiny_reviews(300, 8));
  other = again;
  other.data = folder_ / "other.csv";
  EXPECT_ERROR(train_classify(other), "other texts than those");
  other.resume = false;
  EXPECT_ERROR(train_classify(other), "already holds a model");
}

TEST_F(Classify, BadDataIsNamedAndNothingIsWritten) {
  const auto fails = [&](const std::string& content, const char* part) {
    write("bad.csv", content);
    ClassifyJob bad = job("bad");
    bad.data = folder_ / "bad.csv";
    EXPECT_ERROR(train_classify(bad), part);
    EXPECT_FALSE(fs::exists(bad.out));
  };
  fails("text,mood\na,b\n", "bad.csv, line 1: no column 'topic'");
  fails("text,mood,topic\na,b,c\n\n", "bad.csv, line 3: ");
  fails("text,mood,topic\na,b,c\n ,b,c\n", "bad.csv, line 3: ");
  fails("text,mood,topic\na,b,c\nx,b,\n", "bad.csv, line 3: ");
  fails("", "bad.csv is empty");
  fails("text,mood,topic\n", "bad.csv: no text in it");
  fails("text,mood,topic\na,b,c\nd,e,f\n", "2 texts are too few");
  std::string sorted = "text,mood,topic\n";
  for (int i = 0; i < 20; ++i) sorted += "a,b" + std::to_string(i / 19) + ",c\n";
  fails(sorted, "column 'mood' has 1 different label");
  sorted = "text,mood,topic\n";
  for (int i = 0; i < 20; ++i)
    sorted += "a,b" + std::to_string(i % 2 + i / 19) + ",c" + std::to_string(i % 2) + "\n";
  fails(sorted, "label 'b2' stands only in the part for validation");
  ClassifyJob twice = job("bad");
  twice.options.labels = {"mood", "mood"};
  EXPECT_ERROR(train_classify(twice), "column 'mood' is named twice");
  ClassifyJob skipping = job("skipping");
  write("bad.csv", test::tiny_reviews(300) + "\n1,2\n");
  skipping.data = folder_ / "bad.csv";
  skipping.options.skip_bad = true;
  skipping.options.steps = 1;
  Watcher watcher;
  EXPECT_EQ(train(skipping, watcher).data->skipped, 2);
  EXPECT_NE(watcher.said.find("2 bad records skipped"), std::string::npos) << watcher.said;
}

/// One model that has learned its two columns.
class Classifier : public Classify {
 protected:
  static void SetUpTestSuite() {
    Classifier once;
    ClassifyJob longer = once.job("model");
    longer.options.steps = 150;
    longer.options.evaluate_every = 50;
    Watcher watcher;
    scores = train(longer, watcher).scores;
    shared = std::make_unique<TextClassifier>(longer.out);
    card = test::read_all(longer.out / "README.md");
  }
  static void TearDownTestSuite() { shared.reset(); }
  void TestBody() override {}

  static inline std::unique_ptr<TextClassifier> shared;
  static inline std::vector<ColumnScore> scores;
  static inline std::string card;
};

TEST_F(Classifier, LearnsBothColumns) {
  ASSERT_EQ(scores.size(), 2u);
  for (const ColumnScore& score : scores) EXPECT_GE(score.accuracy, 0.96);
  write("test.csv", test::tiny_reviews(200, 99));
  const ClassifyEvaluation evaluation = shared->evaluate(folder_ / "test.csv");
  EXPECT_EQ(evaluation.texts, 200);
  EXPECT_EQ(evaluation.cut, 0);
  ASSERT_EQ(evaluation.columns.size(), 2u);
  for (const ColumnEvaluation& column : evaluation.columns) {
    EXPECT_GE(column.score.accuracy, 0.98) << column.column;
    EXPECT_GE(column.score.macro.f1, 0.98) << column.column;
    EXPECT_LE(column.calibration.error, 0.1) << column.column;
  }
  EXPECT_EQ(evaluation.columns[1].labels, (std::vector<std::string>{"art", "politics", "sport"}));
  EXPECT_NE(card.find("| `mood` | "), std::string::npos) << card;
}

TEST_F(Classifier, AnswersTextsInTheirOrder) {
  const std::vector<std::string> texts = {"so the lovely old ball was", "awful paint", "that vote was fine"};
  const auto answers = shared->classify(texts);
  ASSERT_EQ(answers.size(), 3u);
  const auto label = [&](std::size_t text, std::size_t column) {
    const ClassAnswer& answer = answers[text][column];
    EXPECT_GT(answer.probability(), 0.5);
    double sum = 0;
    for (const double probability : answer.probabilities) sum += probability;
    EXPECT_NEAR(sum, 1, 1e-5);
    return shared->columns()[column].names()[static_cast<std::size_t>(answer.label)];
  };
  EXPECT_EQ(label(0, 0) + label(0, 1), "goodsport");
  EXPECT_EQ(label(1, 0) + label(1, 1), "badart");
  EXPECT_EQ(label(2, 0) + label(2, 1), "goodpolitics");
  EXPECT_TRUE(shared->classify({}).empty());
}

TEST_F(Classifier, SeesTheWordsThatDecided) {
  for (const auto& [question, word] : {std::pair{0, "awful"}, std::pair{1, "vote"}}) {
    const explain::WordScores scores = shared->see("the old man said vote was awful that day", question);
    ASSERT_EQ(scores.words.size(), 9u);
    EXPECT_EQ(scores.title.find(question == 0 ? "mood: bad" : "topic: politics"), 0u) << scores.title;
    // Hiding the deciding word changes the answer most.
    const auto& hidden = scores.measures.back().scores;
    const auto at = static_cast<std::size_t>(std::ranges::max_element(hidden) - hidden.begin());
    EXPECT_EQ(scores.text.substr(scores.words[at].begin, scores.words[at].end - scores.words[at].begin),
              word);
    EXPECT_GT(hidden[at], 0.01);
  }
  EXPECT_ERROR(shared->see("a", 2), "question 2: this model has 2");
  EXPECT_ERROR(shared->see(" "), "no word");
}

TEST_F(Classifier, UnknownLabelsAreNamedOrSkipped) {
  write("test.csv", "text,mood,topic\nfine ball,good,sport\nfine ball,god,sport\nfine,good,art\n");
  EXPECT_ERROR(shared->evaluate(folder_ / "test.csv"),
               "test.csv, line 3: column 'mood': no label 'god'; did you mean 'good'?");
  const ClassifyEvaluation evaluation =
      shared->evaluate(folder_ / "test.csv", {.bad_records = data::BadRecords::kSkip});
  EXPECT_EQ(evaluation.texts, 2);
  EXPECT_EQ(evaluation.skipped.count, 1);
  write("test.csv", "text,mood\nfine ball,good\n");
  EXPECT_ERROR(shared->evaluate(folder_ / "test.csv"), "no column 'topic'");
}

TEST_F(Classifier, EvaluationsAreShownAndWritten) {
  write("test.csv", test::tiny_reviews(50, 3));
  const ClassifyEvaluation evaluation = shared->evaluate(folder_ / "test.csv");
  const std::string text = to_terminal(evaluation, {.color = explain::ColorDepth::kNone});
  EXPECT_EQ(text.find("50 texts\n\nmood: accuracy "), 0u) << text;
  EXPECT_NE(text.find("  politics     "), std::string::npos) << text;
  EXPECT_NE(text.find("rows: the true class"), std::string::npos);
  const std::string page = to_html(evaluation, "a <page>");
  EXPECT_NE(page.find("<title>a &lt;page&gt;</title>"), std::string::npos);
  EXPECT_NE(page.find("<th scope=\"row\">politics</th>"), std::string::npos);
  EXPECT_NE(to_json(evaluation).find("\"calibration_error\""), std::string::npos);
}

TEST_F(Classify, OptionsAndPresetsAreChecked) {
  for (const ClassifyPreset& preset : classify_presets())
    EXPECT_NO_THROW(validate(classify_preset(preset.name)));
  EXPECT_ERROR(classify_preset("huge"), "preset 'huge': small, nano, base are accepted");
  ClassifyOptions options;
  options.token_dropout = 1;
  EXPECT_ERROR(validate(options), "token_dropout 1: a value from 0 to 0.999");
  options = {};
  options.pooling = "max";
  EXPECT_ERROR(validate(options), "pooling 'max': first, mean, attention are accepted");
}

TEST_F(Classify, DamagedConfigsAreRefused) {
  Watcher watcher;
  ClassifyJob short_one = job("model");
  short_one.options.steps = 1;
  train(short_one, watcher);
  test::expect_damage_is_told<TextClassifier>(
      folder_ / "model",
      {
          {"\"sport\"", "\"aport\"", "are not sorted and different"},
          {"\"good\"", "1", "\"labels\" is no text"},
          {"\"attention\": \"scaled_dot\"", "\"attention\": \"none\"", "config.json"},
          {"\"pooling\"", "\"polling\"", "unknown key 'polling'"},
          {"\"bag_of_words\": 0", "\"bag_of_words\": 1000000",
           "bag_of_words 1000000: a number of words up to"},
          {"\"bag_of_words\": 0", "\"bag_of_words\": -1", "bag_of_words -1: a number of words"},
          {"\"task\": \"classify\"", "\"task\": \"generate\"", "a model of the task 'generate'"},
          {"\"column\": \"mood\"", "\"column\": 3", "\"column\" is no text"},
      });
}

}  // namespace
}  // namespace attend::task
