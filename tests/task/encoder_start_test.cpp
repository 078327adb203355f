#include "attend/task/encoder_start.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "attend/data/tokenizer.h"
#include "attend/io/safetensors.h"
#include "attend/task/classify.h"
#include "attend/task/generate.h"
#include "attend/task/pretrain.h"
#include "attend/task/tag.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
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
  for (const char* name : {"encoder.token_embedding.weight", "encoder.blocks.0.feed_forward.inner.weight"}) {
    const std::string found = tensor_of(job.out, name), wanted = tensor_of(encoder(), name);
    ASSERT_FALSE(wanted.empty());
    ASSERT_EQ(found.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); i += sizeof(float)) {
      float a = 0, b = 0;
      std::memcpy(&a, found.data() + i, sizeof a);
      std::memcpy(&b, wanted.data() + i, sizeof b);
      ASSERT_NEAR(a, b, 1e-9) << name;
    }
  }
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
  const std::string table = tensor_of(job.out, "encoder.token_embedding.weight");
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
