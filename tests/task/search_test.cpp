#include "attend/task/search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <numeric>

#include "attend/task/text_search.h"
#include "support/damaged_config.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_pairs.h"
#include "support/watcher.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::Watcher;

class Search : public testing::Test {
 protected:
  Search() { write("pairs.tsv", test::tiny_pair_table()); }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  SearchJob job(const std::string& out) const {
    SearchJob job;
    job.data.paths = {folder_ / "pairs.tsv"};
    job.out = folder_ / out;
    job.options.model = {.context = 16, .layers = 1, .heads = 2, .dim = 32, .dropout = 0.1};
    job.options.tokenizer.vocabulary = 400;
    job.options.batch = 32;
    job.options.steps = 30;
    job.options.learning_rate = 0.01;
    job.options.warmup = 4;
    job.options.precision = "f32";
    job.options.evaluate_every = 8;
    job.options.seed = 11;
    return job;
  }
  static SearchConfig train(SearchJob job, Watcher& watcher) {
    job.observer = &watcher;
    job.stop = &watcher.stop;
    return train_search(job);
  }

  test::TemporaryFolder folder_;
};

TEST_F(Search, InterruptedAndResumedGivesTheSameBits) {
  Watcher whole, first, second, third;
  const SearchConfig expected = train(job("whole"), whole);
  EXPECT_EQ(expected.results->ended, "steps");
  EXPECT_EQ(expected.data->pairs, 231);
  EXPECT_EQ(expected.data->validation_pairs, 25);
  SearchJob parts = job("parts");
  first.stop_after = 21;  // between two evaluations, in the third epoch
  EXPECT_EQ(train(parts, first).results->ended, "interrupted");
  parts.resume = true;
  parts.data.paths.clear();  // the tokens kept in the folder serve
  const SearchConfig resumed = train(parts, second);
  EXPECT_EQ(second.updates, 9);
  EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
  EXPECT_EQ(resumed.scores->mean_reciprocal_rank, expected.scores->mean_reciprocal_rank);
  EXPECT_TRUE(test::read_all(folder_ / "whole" / "model.safetensors") ==
              test::read_all(folder_ / "parts" / "model.safetensors"));
  EXPECT_EQ(train(parts, third).results->step, 30);
  EXPECT_EQ(third.updates, 0);
  EXPECT_NE(third.said.find("nothing left to do"), std::string::npos) << third.said;
}

TEST_F(Search, AResumeMustFitWhatItBegan) {
  Watcher watcher;
  SearchJob again = job("model");
  again.options.steps = 2;
  train(again, watcher);
  again.resume = true;
  SearchJob other = again;
  other.options.temperature = 0.1;
  EXPECT_ERROR(train_search(other), "temperature 0.1: the training in");
  other = again;
  other.options.model.dim = 16;
  EXPECT_ERROR(train_search(other), "begun with another model");
  write("other.tsv", test::tiny_pair_table(8));
  other = again;
  other.data.paths = {folder_ / "other.tsv"};
  EXPECT_ERROR(train_search(other), "other pairs than those");
  other.resume = false;
  EXPECT_ERROR(train_search(other), "already holds a model");
}

TEST_F(Search, BadDataIsNamedAndNothingIsWritten) {
  const auto fails = [&](const std::string& content, const char* part) {
    write("bad.tsv", content);
    SearchJob bad = job("bad");
    bad.data.paths = {folder_ / "bad.tsv"};
    EXPECT_ERROR(train_search(bad), part);
    EXPECT_FALSE(fs::exists(bad.out));
  };
  fails("a\tb\nc\n", "bad.tsv, line 2: 1 column");
  fails("a\tb\nc\t \n", "bad.tsv, line 2: column '2' is empty");
  fails("a\tb\nc\t\xff\n", "bad.tsv, line 2");
  fails("", "bad.tsv");
  fails("a\tb\nc\td\n", "2 pairs are too few");
  SearchJob skipping = job("skipping");
  write("bad.tsv", test::tiny_pair_table() + "alone\n");
  skipping.data = {.paths = {folder_ / "bad.tsv"}, .skip_bad = true};
  skipping.options.steps = 1;
  Watcher watcher;
  EXPECT_EQ(train(skipping, watcher).data->skipped, 1);
  EXPECT_NE(watcher.said.find("1 bad records skipped"), std::string::npos) << watcher.said;
}

TEST_F(Search, OptionsAreChecked) {
  for (const SearchPreset& preset : search_presets()) EXPECT_NO_THROW(validate(search_preset(preset.name)));
  EXPECT_ERROR(search_preset("huge"), "preset 'huge': small, nano, base are accepted");
  SearchOptions options;
  options.temperature = 0;
  EXPECT_ERROR(validate(options), "temperature 0: a value from 0.001 to 100");
  options = {};
  options.batch = 1;
  EXPECT_ERROR(validate(options), "batch 1: at least 2");
  options = {};
  options.label_smoothing = 0.1;
  EXPECT_ERROR(validate(options), "label_smoothing 0.1: only 0");
}

/// One model that has learned to search.
class TrainedSearch : public Search {
 protected:
  static void SetUpTestSuite() {
    TrainedSearch once;
    SearchJob longer = once.job("model");
    longer.options.steps = 300;
    longer.options.warmup = 20;
    longer.options.model.dropout = 0;
    longer.options.token_dropout = 0;
    Watcher watcher;
    scores = *train(longer, watcher).scores;
    shared = std::make_unique<TextSearch>(longer.out);
    card = test::read_all(longer.out / "README.md");
  }
  static void TearDownTestSuite() { shared.reset(); }
  void TestBody() override {}

  static inline std::unique_ptr<TextSearch> shared;
  static inline SearchScores scores;
  static inline std::string card;
};

TEST_F(TrainedSearch, FindsHeldOutPairs) {
  EXPECT_GE(scores.recall_1, 0.9);
  EXPECT_GE(scores.recall_10, 0.99);
  EXPECT_EQ(scores.queries, 25);
  EXPECT_EQ(scores.candidates, 25);
  EXPECT_NE(card.find("| Recall@10 | "), std::string::npos) << card;
  const PairFiles all{.paths = {folder_ / "pairs.tsv"}};
  const SearchEvaluation evaluation = shared->evaluate(all);
  EXPECT_EQ(evaluation.scores.candidates, 256);
  EXPECT_GE(evaluation.scores.recall_1, 0.9);
  EXPECT_GE(evaluation.scores.mean_reciprocal_rank, evaluation.scores.recall_1);
  EXPECT_EQ(evaluation.cut, 0);
  // With fewer to choose from it is easier.
  const SearchEvaluation few = shared->evaluate(all, 20);
  EXPECT_EQ(few.scores.candidates, 20);
  EXPECT_EQ(few.scores.queries, 256);
  EXPECT_GE(few.scores.mean_reciprocal_rank, evaluation.scores.mean_reciprocal_rank);
  EXPECT_ERROR(shared->evaluate(all, 1), "1 candidates: at least 2");
}

TEST_F(TrainedSearch, EqualTextsAreEquallyRight) {
  write("same.tsv", "the bqu so cre\tcob the ban\nman dqu so fre\tcob the ban\n");
  EXPECT_EQ(shared->evaluate({.paths = {folder_ / "same.tsv"}}).scores.recall_10, 1);
  EXPECT_EQ(shared->evaluate({.paths = {folder_ / "same.tsv"}}).scores.mean_reciprocal_rank, 1);
}

TEST_F(TrainedSearch, MakesVectorsOfLengthOne) {
  const std::vector<std::string> texts = {"the bqu so cre", "a", "cob that ban day"};
  const Tensor vectors = shared->embed(texts);
  ASSERT_EQ(vectors.dim(0), 3);
  const std::vector<double> values = vectors.to_vector<double>();
  for (std::size_t row = 0; row < 3; ++row) {
    double square = 0;
    for (std::size_t i = 0; i < 32; ++i) square += values[32 * row + i] * values[32 * row + i];
    EXPECT_NEAR(square, 1, 1e-5);
  }
  // What stands beside a text changes nothing but rounding.
  const std::vector<double> alone = shared->embed(std::span(texts).subspan(1, 1)).to_vector<double>();
  for (std::size_t i = 0; i < 32; ++i) EXPECT_NEAR(alone[i], values[32 + i], 1e-5);
  EXPECT_ERROR(shared->embed({}), "no text");
}

TEST_F(TrainedSearch, SearchesLinesAndSavedIndexes) {
  std::string lines;
  for (const auto& [query, text] : test::tiny_pairs()) lines += text + "\n";
  write("lines.txt", lines);
  const data::EmbeddingIndex index = shared->index_lines(folder_ / "lines.txt");
  EXPECT_EQ(index.size(), 256);
  const std::vector<std::string> queries = {test::tiny_pairs()[3].first, test::tiny_pairs()[200].first};
  const auto found = shared->search(index, queries, 5);
  ASSERT_EQ(found.size(), 2u);
  ASSERT_EQ(found[0].size(), 5u);
  EXPECT_EQ(found[0][0].text, 3);
  EXPECT_EQ(found[1][0].text, 200);
  for (std::size_t i = 1; i < 5; ++i) EXPECT_GE(found[0][i - 1].score, found[0][i].score);
  EXPECT_EQ(shared->search(index, queries, 1000)[0].size(), 256u);
  index.save(folder_ / "lines.index");
  const auto again = shared->search(data::EmbeddingIndex::load(folder_ / "lines.index"), queries, 5);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(again[0][i].text, found[0][i].text);
    EXPECT_EQ(again[0][i].score, found[0][i].score);
  }
  EXPECT_ERROR(shared->search(index, queries, 0), "0 texts to find: at least 1");
  EXPECT_ERROR(shared->search(data::EmbeddingIndex(32, 1), queries, 5), "made by another model");
  write("empty.txt", "");
  EXPECT_ERROR(shared->index_lines(folder_ / "empty.txt"), "no line in it to search");
  write("gap.txt", "a\n\nb\n");
  EXPECT_ERROR(shared->index_lines(folder_ / "gap.txt"), "gap.txt, line 2: the line is empty");
  data::SkippedRecords skipped;
  EXPECT_EQ(
      shared->index_lines(folder_ / "gap.txt", {.bad_records = data::BadRecords::kSkip}, &skipped).size(), 2);
  EXPECT_EQ(skipped.count, 1);
}

TEST_F(TrainedSearch, TellsWhichWordsMadeThemAlike) {
  const auto [query, text] = test::tiny_pairs()[3];
  const explain::WordScores scores = shared->see(query, text);
  EXPECT_NO_THROW(explain::check(scores));
  EXPECT_EQ(scores.text, query + "\n" + text);
  ASSERT_EQ(scores.words.size(), 8u);
  EXPECT_EQ(scores.title.find("similarity 0."), 0u) << scores.title;
  ASSERT_EQ(scores.measures.size(), 3u);
  // The second and fourth word of a query carry its meaning, the first and third of a text.
  for (const std::size_t measure : {0u, 2u}) {
    const std::vector<double>& words = scores.measures[measure].scores;
    EXPECT_GT(words[1] + words[3], words[0] + words[2]) << measure;
    EXPECT_GT(words[4] + words[6], words[5] + words[7]) << measure;
  }
  const double share =
      std::accumulate(scores.measures[0].scores.begin(), scores.measures[0].scores.begin() + 4, 0.0);
  // All but the part of the start mark.
  EXPECT_NEAR(share, std::stod(scores.title.substr(11)), 0.5);
  EXPECT_ERROR(shared->see("a", "  "), "no word to look at");
}

TEST_F(Search, DamagedFoldersAreRefused) {
  Watcher watcher;
  SearchJob short_one = job("model");
  short_one.options.steps = 1;
  train(short_one, watcher);
  test::expect_damage_is_told<TextSearch>(
      folder_ / "model",
      {
          {"\"pooling\": \"mean\"", "\"pooling\": \"most\"", "first, mean and attention are accepted"},
          {"\"pooling\"", "\"poling\"", "unknown key 'poling'"},
          {"\"recall@1\"", "\"recall@2\"", "unknown key 'recall@2'"},
          {"\"task\": \"search\"", "\"task\": \"tag\"", "config.json"},
      });
}

}  // namespace
}  // namespace attend::task
