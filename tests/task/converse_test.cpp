#include "attend/task/converse.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>

#include "attend/task/converser.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_pairs.h"
#include "support/watcher.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::Watcher;
using Turns = std::vector<std::string>;

class Converse : public testing::Test {
 protected:
  Converse() {
    // What the other pairs tell of stands in no answer.
    write("pairs.tsv", test::tiny_pair_table(7, 240));
    fs::create_directory(folder_ / "manuals");
    write("manuals/a.txt", test::tiny_pairs()[250].second + "\n\n\nban\nfan the day\n");
    write("manuals/b.md", "cob fob that\n");
    write("manuals/c.dat", "\xff");
  }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  ConverseJob job(const std::string& out) const {
    ConverseJob job;
    job.data.paths = {folder_ / "pairs.tsv"};
    job.documents = folder_ / "manuals";
    job.out = folder_ / out;
    job.search.model = {.context = 16, .layers = 1, .heads = 2, .dim = 32};
    job.search.tokenizer.vocabulary = 400;
    job.search.batch = 32;
    job.search.steps = 20;
    job.search.learning_rate = 0.01;
    job.search.warmup = 20;
    job.search.token_dropout = 0;
    job.search.precision = "f32";
    job.search.evaluate_every = 15;
    job.search.seed = 11;
    job.generator = text_to_text_preset("tiny");
    model::Seq2SeqConfig& generator = job.generator.model.transformer;
    generator.encoder_layers = generator.decoder_layers = 1;
    generator.dim = 16;
    generator.heads = 2;
    job.generator.tokenizer.vocabulary = 400;
    job.generator.steps = 3;
    job.generator.batch = 128;
    job.generator.precision = "f32";
    job.generator.evaluate_every = 0;
    return job;
  }
  static ConverseConfig train(ConverseJob job, Watcher& watcher) {
    job.observer = &watcher;
    job.stop = &watcher.stop;
    return train_converse(job);
  }

  test::TemporaryFolder folder_;
};

TEST_F(Converse, InterruptedAndResumedGivesTheSameFiles) {
  Watcher whole, first, second;
  ConverseJob one = job("whole");
  one.generate = true;
  const ConverseConfig expected = train(one, whole);
  EXPECT_EQ(expected.answers, 240);
  EXPECT_EQ(expected.paragraphs, 3);
  EXPECT_TRUE(expected.generates);
  one.out = folder_ / "parts";
  first.stop_after = 11;
  EXPECT_EQ(train(one, first).results->ended, "interrupted");
  EXPECT_FALSE(fs::exists(one.out / "config.json"));
  one.resume = true;
  one.data.paths.clear();
  EXPECT_EQ(train(one, second).results->step, 20);
  for (const char* name :
       {"answers.index", "documents.index", "search/model.safetensors", "generator/model.safetensors"})
    EXPECT_TRUE(test::read_all(folder_ / "whole" / name) == test::read_all(folder_ / "parts" / name)) << name;
  ConverseJob again = job("whole");
  EXPECT_ERROR(train_converse(again), "already holds a model");
  again.overwrite = true;
  Watcher third;
  EXPECT_FALSE(train(again, third).generates);
  EXPECT_FALSE(fs::exists(folder_ / "whole" / "generator"));
}

TEST_F(Converse, BadDataIsNamedAndNothingIsWritten) {
  ConverseJob bad = job("bad");
  bad.documents = folder_ / "nowhere";
  EXPECT_ERROR(train_converse(bad), "nowhere");
  fs::create_directory(folder_ / "empty");
  bad.documents = folder_ / "empty";
  EXPECT_ERROR(train_converse(bad), "empty: no file named *.txt");
  write("blank.txt", "\n \n");
  bad.documents = folder_ / "blank.txt";
  EXPECT_ERROR(train_converse(bad), "blank.txt");
  bad = job("bad");
  write("bad.tsv", "a\tb\nc\n");
  bad.data.paths = {folder_ / "bad.tsv"};
  EXPECT_ERROR(train_converse(bad), "bad.tsv, line 2");
  EXPECT_FALSE(fs::exists(bad.out));
}

/// One agent that has learned its answers.
class TrainedConverse : public Converse {
 protected:
  static void SetUpTestSuite() {
    folder = new test::TemporaryFolder;
    TrainedConverse once;
    ConverseJob longer = once.job("agent");
    longer.out = *folder / "agent";
    longer.search.steps = 300;
    longer.search.evaluate_every = 100;
    Watcher watcher;
    train(longer, watcher);
    shared = std::make_unique<Converser>(longer.out);
  }
  static void TearDownTestSuite() {
    shared.reset();
    delete folder;
    folder = nullptr;
  }
  void TestBody() override {}

  static inline test::TemporaryFolder* folder = nullptr;
  static inline std::unique_ptr<Converser> shared;
};

TEST_F(TrainedConverse, RepliesAndSaysWhatItUsed) {
  const auto pairs = test::tiny_pairs();
  int right = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    const Turns turns = {pairs[i].first};
    const Reply reply = shared->reply(turns);
    EXPECT_FALSE(reply.generated);
    EXPECT_EQ(reply.query, pairs[i].first);
    ASSERT_EQ(reply.sources.size(), 3u);
    EXPECT_EQ(reply.text, reply.sources[0].text);
    EXPECT_GE(reply.sources[0].score, reply.sources[1].score);
    right += reply.text == pairs[i].second ? 1 : 0;
  }
  EXPECT_GE(right, 17);
  const ConverseEvaluation evaluation = shared->evaluate({.paths = {folder_ / "pairs.tsv"}}, 100);
  EXPECT_GE(evaluation.search.recall_10, 0.95);
  EXPECT_GE(evaluation.rouge.rouge_1.f1, 0.9);
  EXPECT_GE(evaluation.bleu.score, 80);
  EXPECT_EQ(evaluation.pairs, 240);
}

TEST_F(TrainedConverse, FindsParagraphsAndRemembersTurns) {
  const Reply found = shared->reply(Turns{test::tiny_pairs()[250].first});
  EXPECT_EQ(found.text, test::tiny_pairs()[250].second);
  EXPECT_EQ(found.sources[0].document, "a.txt");
  // The second turn is about what the first one named.
  const auto pairs = test::tiny_pairs();
  const std::size_t space = pairs[5].first.rfind(' ');
  const Turns turns = {"bqu fqu", pairs[5].first.substr(0, space), pairs[5].first.substr(space + 1)};
  const Reply both = shared->reply(turns);
  EXPECT_EQ(both.query, pairs[5].first);
  EXPECT_EQ(both.text, pairs[5].second);
  EXPECT_EQ(shared->reply(turns, {.turns = 1}).query, turns[2]);
  EXPECT_EQ(shared->reply(turns, {.turns = 9}).query, turns[0] + " " + pairs[5].first);
  EXPECT_ERROR(shared->reply({}), "nothing was said");
  EXPECT_ERROR(shared->reply(turns, {.turns = 0}), "turns 0: a value from 1");
  EXPECT_ERROR(shared->reply(turns, {.generate = true}), "this model has no generator");
}

TEST_F(TrainedConverse, ShowsWhichWordsMadeThemAlike) {
  const auto pairs = test::tiny_pairs();
  const explain::WordScores scores = shared->see(pairs[3].first);
  EXPECT_NO_THROW(explain::check(scores));
  EXPECT_EQ(scores.text, pairs[3].first + "\n" + shared->reply(Turns{pairs[3].first}).text);
}

TEST_F(TrainedConverse, DamagedFoldersAreRefused) {
  const fs::path copy = folder_ / "copy";
  fs::copy(*folder / "agent", copy, fs::copy_options::recursive);
  EXPECT_NO_THROW(Converser{copy});
  std::string index = test::read_all(copy / "answers.index");
  index[index.size() / 2] = static_cast<char>(index[index.size() / 2] ^ 1);
  std::ofstream(copy / "answers.index", std::ios::binary) << index;
  EXPECT_ERROR(Converser{copy}, "answers.index is no valid index");
  fs::remove(copy / "answers.index");
  EXPECT_ERROR(Converser{copy}, "answers.index");
  fs::remove_all(copy / "search");
  EXPECT_ERROR(Converser{copy}, "search");
}

}  // namespace
}  // namespace attend::task
