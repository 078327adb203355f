#include "attend/task/encoder_start.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "attend/data/tokenizer.h"
#include "attend/io/safetensors.h"
#include "attend/task/answer.h"
#include "attend/task/classify.h"
#include "attend/task/converse.h"
#include "attend/task/generate.h"
#include "attend/task/pretrain.h"
#include "attend/task/tag.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_pairs.h"
#include "support/tiny_questions.h"
#include "support/tiny_reviews.h"
#include "support/tiny_tags.h"
#include "support/tiny_text.h"
#include "support/watcher.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;

/// The bytes of one tensor of a model folder.
std::string tensor_of(const fs::path& folder, const std::string& name) {
  const auto file = io::SafetensorsFile::open(folder / "model.safetensors");
  for (const io::SafetensorsEntry& entry : file.entries())
    if (entry.name == name) return {reinterpret_cast<const char*>(entry.data.data()), entry.data.size()};
  return {};
}

/// The weights are those that a training began with, which took steps that change next to nothing.
void expect_same_weights(const fs::path& model, const fs::path& start, const std::string& name) {
  const std::string found = tensor_of(model, name), wanted = tensor_of(start, name);
  ASSERT_FALSE(wanted.empty()) << name;
  ASSERT_EQ(found.size(), wanted.size()) << name;
  for (std::size_t i = 0; i < wanted.size(); i += sizeof(float)) {
    float a = 0, b = 0;
    std::memcpy(&a, found.data() + i, sizeof a);
    std::memcpy(&b, wanted.data() + i, sizeof b);
    ASSERT_NEAR(a, b, 1e-9) << name;
  }
}

constexpr const char* kTable = "encoder.token_embedding.weight";
constexpr const char* kSegments = "encoder.segment_embedding.weight";

/// A pretrained encoder to start from.
class Start : public testing::Test {
 protected:
  Start() {
    write("text.txt", test::tiny_text(300));
    write("reviews.csv", test::tiny_reviews(100));
    write("names.txt", test::tiny_tags(60));
    PretrainJob job;
    job.data = folder_ / "text.txt";
    job.out = encoder();
    job.options.model = {.context = 32, .layers = 1, .heads = 2, .dim = 16, .dropout = 0.3};
    job.options.tokenizer.vocabulary = 330;
    shorten(job.options);
    train_pretrain(job);
  }

  static void shorten(TrainingOptions& options) {
    options.batch = 8;
    options.steps = 2;
    options.warmup = 1;
    options.precision = "f32";
  }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  fs::path encoder() const { return folder_ / "encoder"; }
  ClassifyJob classify(const std::string& out) const {
    ClassifyJob job;
    job.data = folder_ / "reviews.csv";
    job.out = folder_ / out;
    job.options.labels = {"mood"};
    start_from(job.options, encoder());
    shorten(job.options);
    return job;
  }

  test::TemporaryFolder folder_;
};

TEST_F(Start, TakesTokenizerShapeAndWeights) {
  ClassifyJob job = classify("model");
  EXPECT_EQ(job.options.model.dim, 16);
  EXPECT_EQ(job.options.model.dropout, ClassifyOptions().model.dropout);  // belongs to the training
  EXPECT_EQ(job.options.tokenizer.vocabulary, 330);
  job.options.learning_rate = job.options.minimum_learning_rate = 1e-12;
  const ClassifyConfig config = train_classify(job);
  EXPECT_TRUE(test::read_all(encoder() / "tokenizer.model") == test::read_all(job.out / "tokenizer.model"));
  EXPECT_EQ(config.model.encoder.vocabulary, read_starting_encoder(encoder()).config.vocabulary);
  for (const char* name : {kTable, "encoder.blocks.0.feed_forward.inner.weight"})
    expect_same_weights(job.out, encoder(), name);
  EXPECT_NE(test::read_all(job.out / "README.md").find("trained by attend from the encoder in `"),
            std::string::npos);
  // A tagger can go on from the classifier.
  TagJob tag;
  tag.data = folder_ / "names.txt";
  tag.out = folder_ / "tagger";
  start_from(tag.options, job.out);
  shorten(tag.options);
  EXPECT_EQ(train_tag(tag).model.encoder.dim, 16);
  PretrainJob more;
  more.data = folder_ / "text.txt";
  more.out = folder_ / "more";
  start_from(more.options, tag.out);
  shorten(more.options);
  EXPECT_EQ(train_pretrain(more).model.dim, 16);
}

TEST_F(Start, ResumesWithoutTheFolderItBeganWith) {
  ClassifyJob whole = classify("whole"), parts = classify("parts");
  whole.options.steps = parts.options.steps = 6;
  train_classify(whole);
  test::Watcher watcher;
  watcher.stop_after = 2;
  parts.observer = &watcher;
  parts.stop = &watcher.stop;
  train_classify(parts);
  fs::rename(encoder(), folder_ / "moved");
  watcher.stop_after = -1;
  watcher.stop = false;
  parts.resume = true;
  train_classify(parts);
  EXPECT_TRUE(test::read_all(whole.out / "model.safetensors") ==
              test::read_all(parts.out / "model.safetensors"));
  parts.options.start.init = "elsewhere";
  EXPECT_ERROR(train_classify(parts), "init elsewhere: the training in");
}

TEST_F(Start, AnswersKeepSegmentsOfTheirOwn) {
  const auto train = [&](const std::string& out, const fs::path& start) {
    AnswerJob job;
    job.data.path = folder_ / "questions.tsv";
    job.out = folder_ / out;
    job.options = answer_preset("nano");
    start_from(job.options, start);
    shorten(job.options);
    job.options.learning_rate = job.options.minimum_learning_rate = 1e-12;
    EXPECT_EQ(train_answer(job).model.segments, 2);
    EXPECT_TRUE(test::read_all(start / "tokenizer.model") == test::read_all(job.out / "tokenizer.model"));
    expect_same_weights(job.out, start, kTable);
    EXPECT_NE(test::read_all(job.out / "README.md").find("trained by attend\nfrom the encoder in `"),
              std::string::npos);
    return job.out;
  };
  write("questions.tsv", test::tiny_questions(40));
  const fs::path first = train("first", encoder()), second = train("second", first);
  expect_same_weights(second, first, kSegments);
  // Other tasks have none.
  ClassifyJob job = classify("model");
  start_from(job.options, second);
  shorten(job.options);
  job.options.learning_rate = job.options.minimum_learning_rate = 1e-12;
  EXPECT_EQ(train_classify(job).model.encoder.segments, 0);
  expect_same_weights(job.out, second, kTable);
  EXPECT_EQ(tensor_of(job.out, kSegments), "");
  EXPECT_EQ(read_answer_config(first).training->start.init, encoder().string());
}

TEST_F(Start, AnAgentStartsFromAnEncoderAndIsAStart) {
  write("pairs.tsv", test::tiny_pair_table(7, 60));
  const auto agent = [&](const std::string& out, const fs::path& start) {
    ConverseJob job;
    job.data.paths = {folder_ / "pairs.tsv"};
    job.out = folder_ / out;
    start_from(job.search, start);
    shorten(job.search);
    job.search.learning_rate = job.search.minimum_learning_rate = 1e-12;
    return job;
  };
  ConverseJob job = agent("agent", encoder());
  train_converse(job);
  expect_same_weights(job.out / "search", encoder(), kTable);
  EXPECT_NE(test::read_all(job.out / "README.md").find("attend from the encoder in `"), std::string::npos);
  const ConverseJob next = agent("next", job.out);
  train_converse(next);
  expect_same_weights(next.out / "search", job.out / "search", kTable);
  // The search would have nothing left to start from.
  const std::string before = test::read_all(job.out / "config.json");
  for (const fs::path& start : {job.out, job.out / "search"}) {
    ConverseJob again = agent("agent", start);
    again.overwrite = true;
    EXPECT_ERROR(train_converse(again), "which is to be overwritten");
    again.search.start.init = "nowhere";
    EXPECT_ERROR(train_converse(again), "nowhere: no such folder");
    EXPECT_EQ(test::read_all(job.out / "config.json"), before);
  }
}

TEST_F(Start, TakesWordVectors) {
  const auto tag = [&](const std::string& out, const char* vectors) {
    TagJob job;
    job.data = folder_ / "names.txt";
    job.out = folder_ / out;
    job.options.model = {.context = 32, .layers = 1, .heads = 2, .dim = 4};
    job.options.tokenizer.kind = "word";
    job.options.start.word_vectors = folder_ / vectors;
    shorten(job.options);
    job.options.learning_rate = job.options.minimum_learning_rate = 1e-12;
    return job;
  };
  write("vectors.txt", "Paris 1 2 3 4\nanna 5 6 7 8\nparis 9 9 9 9\nParis 9 9 9 9\nnowhere 1 1 1 1\n");
  TagJob job = tag("tagger", "vectors.txt");
  test::Watcher watcher;
  job.observer = &watcher;
  train_tag(job);
  EXPECT_NE(watcher.said.find("word vectors: 2 of 14 tokens found"), std::string::npos) << watcher.said;
  EXPECT_NE(test::read_all(job.out / "README.md").find("from the word vectors in `"), std::string::npos);
  const std::string table = tensor_of(job.out, kTable);
  const auto tokenizer = data::load_tokenizer(job.out);
  const auto expect_row = [&](const char* word, std::vector<float> wanted) {
    std::vector<float> row(4);
    const auto id = static_cast<std::size_t>(tokenizer->encode(word)[0]);
    std::memcpy(row.data(), table.data() + id * 16, 16);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(row[i], wanted[i], 1e-6) << word;
  };
  expect_row("Paris", {1, 2, 3, 4});
  expect_row("Anna", {5, 6, 7, 8});
  write("wide.txt", "Paris 1 2 3\n");
  write("none.txt", "nowhere 1 2 3 4\n");
  write("bad.txt", "Paris 1 2 3 4\nAnna 1 2 3\n");
  EXPECT_ERROR(train_tag(tag("bad", "wide.txt")), "3 numbers for each word; the model has dim 4");
  EXPECT_ERROR(train_tag(tag("bad", "none.txt")), "none of its words is a token of the word tokenizer");
  EXPECT_ERROR(train_tag(tag("bad", "bad.txt")), "bad.txt, line 2: 4 columns; expected a word and 4 numbers");
  EXPECT_ERROR(train_tag(tag("bad", "nothing.txt")), "nothing.txt");
  TagJob both = tag("bad", "vectors.txt");
  both.options.start.init = encoder();
  EXPECT_ERROR(train_tag(both), "embeddings start from one of them");
  EXPECT_FALSE(fs::exists(folder_ / "bad"));
  // Answers have no tokenizer of words, but others have tokens that are words, too.
  AnswerJob answer;
  write("questions.tsv", test::tiny_questions(40));
  answer.data.path = folder_ / "questions.tsv";
  answer.out = folder_ / "answerer";
  answer.options.model = {.context = 32, .segments = 2, .layers = 1, .heads = 2, .dim = 4};
  answer.options.tokenizer.vocabulary = 330;
  answer.options.start.word_vectors = folder_ / "people.txt";
  shorten(answer.options);
  test::Watcher reader;
  answer.observer = &reader;
  write("people.txt", "anna 1 2 3 4\nnowhere 1 1 1 1\n");
  train_answer(answer);
  EXPECT_NE(reader.said.find("word vectors: 1 of "), std::string::npos) << reader.said;
}

TEST_F(Start, RefusesWhatDoesNotFit) {
  const auto fails = [&](const char* part, const auto& change) {
    ClassifyJob job = classify("bad");
    change(job.options);
    EXPECT_ERROR(train_classify(job), part);
    EXPECT_FALSE(fs::exists(job.out));
  };
  fails("dim 32: the encoder in ", [](ClassifyOptions& o) { o.model.dim = 32; });
  fails("has 16, and a training that starts from it keeps it", [](ClassifyOptions& o) { o.model.dim = 32; });
  fails("positions \"rotary\": the",
        [](ClassifyOptions& o) { o.model.positions = model::Positions::rotary; });
  fails("tokenizer bpe: the encoder in", [](ClassifyOptions& o) { o.tokenizer.kind = "bpe"; });
  fails("vocabulary 500: the encoder in", [](ClassifyOptions& o) { o.tokenizer.vocabulary = 500; });
  fails("nowhere: no such folder", [](ClassifyOptions& o) { o.start.init = "nowhere"; });
  GenerateJob text;
  text.data = folder_ / "text.txt";
  text.out = folder_ / "generator";
  text.options.model = {.context = 16, .layers = 1, .heads = 2, .dim = 16};
  shorten(text.options);
  train_generate(text);
  EXPECT_ERROR(read_starting_encoder(text.out), "a model of the task 'generate', which has no encoder");
  fs::remove(encoder() / "model.safetensors");
  fails("model.safetensors", [](ClassifyOptions&) {});
}

}  // namespace
}  // namespace attend::task
