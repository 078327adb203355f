#include "attend/task/text_to_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <memory>

#include "attend/base/random.h"
#include "attend/task/text_to_text_model.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/sanitized.h"
#include "support/temporary_folder.h"
#include "support/watcher.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::Watcher;

constexpr std::uint64_t kSeed = 3;

/// "a c b" is "B C A" in the other language: the words change, and so does their order.
struct Pair {
  std::string source, target;
};

std::vector<Pair> pairs(std::int64_t count, std::uint64_t seed) {
  Generator random(seed);
  std::vector<Pair> all;
  for (std::int64_t i = 0; i < count; ++i) {
    Pair pair;
    const std::uint64_t words = 2 + random.below(4);
    for (std::uint64_t w = 0; w < words; ++w) {
      const auto letter = static_cast<char>('a' + random.below(8));
      pair.source += (w > 0 ? " " : "") + std::string(1, letter);
      pair.target = std::string(1, static_cast<char>(letter - 'a' + 'A')) + (w > 0 ? " " : "") + pair.target;
    }
    all.push_back(pair);
  }
  return all;
}

class TextToTextTest : public testing::Test {
 protected:
  TextToTextTest() { write_table("pairs.tsv", pairs(2000, kSeed)); }

  void write_table(const std::string& name, const std::vector<Pair>& list) const {
    std::ofstream file(folder_ / name);
    for (const Pair& pair : list) file << pair.source << '\t' << pair.target << '\n';
  }
  TextToTextJob job(const std::string& out) const {
    TextToTextJob job;
    job.data.paths = {folder_ / "pairs.tsv"};
    job.out = folder_ / out;
    job.options.model.transformer = {.shared_vocabulary = true,
                                     .context = 32,
                                     .encoder_layers = 1,
                                     .decoder_layers = 2,
                                     .heads = 2,
                                     .dim = 32,
                                     .feed_forward = 64,
                                     .dropout = 0.1};
    job.options.tokenizer.kind = "char";
    job.options.batch = 256;
    job.options.steps = 24;
    job.options.learning_rate = 0.01;
    job.options.minimum_learning_rate = 0;
    job.options.warmup = 8;
    job.options.evaluate_every = 8;
    job.options.precision = "f32";
    job.options.seed = 11;
    return job;
  }
  /// The same with a recurrent model.
  TextToTextJob rnn_job(const std::string& out) const {
    TextToTextJob job = this->job(out);
    job.options.model.kind = model::EncoderDecoderKind::rnn;
    job.options.model.rnn = {
        .shared_vocabulary = true, .context = 32, .dim = 24, .hidden = 32, .dropout = 0.1};
    return job;
  }
  static TextToTextConfig train(TextToTextJob job, Watcher& watcher) {
    job.observer = &watcher;
    job.stop = &watcher.stop;
    return train_text_to_text(job);
  }

  test::TemporaryFolder folder_;
};

TEST_F(TextToTextTest, InterruptedAndResumedGivesTheSameBits) {
  Watcher whole, first, second;
  const TextToTextConfig expected = train(job("whole"), whole);
  EXPECT_EQ(expected.results->ended, "steps");
  EXPECT_EQ(expected.data->pairs, 1800);
  EXPECT_EQ(expected.data->validation_pairs, 200);
  TextToTextJob parts = job("parts");
  first.stop_after = 13;  // between two evaluations
  EXPECT_EQ(train(parts, first).results->ended, "interrupted");
  parts.resume = true;
  parts.data.paths.clear();  // the tokens kept in the folder serve
  const TextToTextConfig resumed = train(parts, second);
  EXPECT_EQ(second.updates, 11);
  EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
  EXPECT_TRUE(test::read_all(folder_ / "whole" / "model.safetensors") ==
              test::read_all(folder_ / "parts" / "model.safetensors"));
  TextToTextJob other = job("parts");
  other.resume = true;
  write_table("pairs.tsv", pairs(2000, kSeed + 1));
  EXPECT_ERROR(train_text_to_text(other), "other pairs than those");
  other.task = "summarize";
  EXPECT_ERROR(train_text_to_text(other), "holds a model of the task translate");
}

TEST_F(TextToTextTest, ARecurrentModelResumesWithTheSameBits) {
  Watcher whole, first, second;
  const TextToTextConfig expected = train(rnn_job("whole"), whole);
  TextToTextJob parts = rnn_job("parts");
  first.stop_after = 13;
  EXPECT_EQ(train(parts, first).results->ended, "interrupted");
  parts.resume = true;
  const TextToTextConfig resumed = train(parts, second);
  EXPECT_EQ(second.updates, 11);
  EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
  EXPECT_TRUE(test::read_all(folder_ / "whole" / "model.safetensors") ==
              test::read_all(folder_ / "parts" / "model.safetensors"));
  EXPECT_EQ(read_text_to_text_config(folder_ / "parts").model, resumed.model);
  EXPECT_NE(test::read_all(folder_ / "parts" / "README.md").find("recurrent encoder-decoder"),
            std::string::npos);
  parts.options.model.rnn.hidden = 64;
  EXPECT_ERROR(train_text_to_text(parts), "begun with another model");
  TextToTextJob transformer = job("parts");
  transformer.resume = true;
  EXPECT_ERROR(train_text_to_text(transformer), "begun with another model");
}

TEST_F(TextToTextTest, TwoFilesAndTwoVocabulariesDoTheSame) {
  TextToTextJob two = job("two");
  std::ofstream source(folder_ / "a.txt"), target(folder_ / "b.txt");
  for (const Pair& pair : pairs(100, kSeed)) {
    source << pair.source << '\n';
    target << pair.target << '\n';
  }
  source.close();
  target.close();
  two.data.paths = two.valid.paths = {folder_ / "a.txt", folder_ / "b.txt"};
  two.options.model.transformer.shared_vocabulary = false;
  two.options.steps = 4;
  const TextToTextConfig config = train_text_to_text(two);
  EXPECT_EQ(config.model.source_vocabulary(), 11);  // eight letters, space, line break, end
  EXPECT_EQ(config.model.target_vocabulary(), 11);
  EXPECT_EQ(config.data->pairs, 100);
  EXPECT_EQ(config.data->validation_pairs, 100);
  EXPECT_TRUE(fs::exists(folder_ / "two" / "target" / "tokenizer.json"));
  const TextToText model(folder_ / "two");
  EXPECT_EQ(model.config().training->model, config.model);
  const std::vector<std::string> one = {"a b"};
  EXPECT_EQ(model.write(one).front().size(), 1u);
  two.overwrite = true;
  EXPECT_EQ(train_text_to_text(two).results->step, 4);
}

TEST_F(TextToTextTest, BadDataIsNamedAndNothingIsWritten) {
  const auto refuses = [&](const std::string& content, const std::string& part) {
    std::ofstream(folder_ / "bad.tsv") << content;
    TextToTextJob bad = job("none");
    bad.data.paths = {folder_ / "bad.tsv"};
    EXPECT_ERROR(train_text_to_text(bad), part);
    EXPECT_FALSE(fs::exists(folder_ / "none")) << content;
  };
  refuses("", "no pairs in it");
  refuses("a\tb\n", "too few");
  refuses("a\tb\nc\n", "line 2");
  refuses("a\tb\nc\t\xff\n", "not UTF-8");
  refuses("a\tb\n\td\n", "line 2");
  std::string long_pairs;
  for (int i = 0; i < 20; ++i) long_pairs += std::string(40, 'a') + "\tb\n";
  refuses(long_pairs, "no pair to learn from is that short");
  TextToTextJob bad = job("none");
  bad.data.paths = {folder_ / "pairs.tsv", folder_ / "bad.tsv"};
  EXPECT_ERROR(train_text_to_text(bad), "ends after line 20");
  bad.data.paths = {folder_ / "missing.tsv"};
  EXPECT_ERROR(train_text_to_text(bad), "missing.tsv");
  bad.data.paths.clear();
  EXPECT_ERROR(train_text_to_text(bad), "--data");
  bad = job("none");
  bad.data.columns = {"en", "de"};
  EXPECT_ERROR(train_text_to_text(bad), "en");
  bad = job("none");
  bad.options.model.transformer.heads = 5;
  EXPECT_ERROR(train_text_to_text(bad), "heads 5");
  EXPECT_FALSE(fs::exists(folder_ / "none"));
}

TEST_F(TextToTextTest, BadRecordsAreCountedAndSkippedWhenAsked) {
  std::ofstream(folder_ / "pairs.tsv", std::ios::app) << "only one column\nthree\tof\tthem\n";
  TextToTextJob skipping = job("model");
  skipping.data.skip_bad = true;
  skipping.options.steps = 1;
  const TextToTextConfig config = train_text_to_text(skipping);
  EXPECT_EQ(config.data->skipped, 2);
  EXPECT_EQ(config.data->pairs + config.data->validation_pairs, 2000);
}

/// One model, trained until it translates; under sanitizers it need not.
class TrainedTextToText : public TextToTextTest {
 protected:
  static void SetUpTestSuite() {
    const TrainedTextToText once;
    TextToTextJob longer = once.job("model");
    longer.options.steps = test::kSanitized ? 100 : 900;
    longer.options.warmup = 60;
    longer.options.evaluate_every = 100;
    longer.options.model.transformer.dropout = 0;
    train_text_to_text(longer);
    shared = std::make_unique<TextToText>(longer.out);
  }
  static void TearDownTestSuite() { shared.reset(); }
  void TestBody() override {}

  static inline std::unique_ptr<TextToText> shared;
  static const TextToText& model() { return *shared; }
  static std::vector<std::string> sources(const std::vector<Pair>& list) {
    std::vector<std::string> texts;
    for (const Pair& pair : list) texts.push_back(pair.source);
    return texts;
  }
};

TEST_F(TrainedTextToText, TranslatesWhatItHasNotSeen) {
  const std::vector<Pair> unseen = pairs(200, kSeed + 100);
  for (const std::int64_t beam : {1, 4}) {
    const auto written = model().write(sources(unseen), {.beam = beam});
    std::int64_t right = 0;
    for (std::size_t i = 0; i < unseen.size(); ++i) right += written[i][0].text == unseen[i].target ? 1 : 0;
    if (!test::kSanitized) {
      EXPECT_GE(right, 190) << "of 200, beam " << beam;
    }
  }
  std::vector<std::string> targets;
  for (const Pair& pair : unseen) targets.push_back(pair.target);
  const double loss = model().loss(sources(unseen), targets),
               other_loss = model().loss(sources(unseen), sources(unseen));
  EXPECT_TRUE(loss < other_loss) << loss << " and " << other_loss;
  if (test::kSanitized) return;
  EXPECT_TRUE(loss < 0.1) << loss;
  EXPECT_TRUE(other_loss > 1) << other_loss;
}

TEST_F(TrainedTextToText, TheBestComeFirstAndOthersInTheBatchChangeNothing) {
  const std::vector<std::string> texts = {"a b c", "", "h", "a b c d e f g"};
  const WriteOptions options = {.beam = 5, .n_best = 3, .batch = 2};
  const auto together = model().write(texts, options);
  ASSERT_EQ(together.size(), 4u);
  EXPECT_EQ(together[1].size(), 1u);
  EXPECT_EQ(together[1][0].text, "");
  for (const std::size_t i : {0u, 2u, 3u}) {
    ASSERT_EQ(together[i].size(), 3u) << i;
    EXPECT_GE(together[i][0].score, together[i][1].score);
    EXPECT_GE(together[i][1].score, together[i][2].score);
    EXPECT_NE(together[i][0].text, together[i][1].text);
    const auto alone = model().write(std::vector<std::string>{texts[i]}, options);
    for (std::size_t n = 0; n < 3; ++n) {
      EXPECT_EQ(alone[0][n].text, together[i][n].text) << i;
      EXPECT_TRUE(std::abs(alone[0][n].score - together[i][n].score) <= 1e-4) << i;
    }
  }
  EXPECT_ERROR(model().write(texts, {.beam = 2, .n_best = 3}), "n-best 3");
}

TEST_F(TrainedTextToText, LooksAtTheWordThatItTranslates) {
  const explain::AttentionMaps maps = model().see("a c f", "F C A");
  EXPECT_EQ(maps.queries, (std::vector<std::string>{"F", "C", "A"}));
  EXPECT_EQ(maps.keys, (std::vector<std::string>{"a", "c", "f", "</s>"}));
  EXPECT_EQ(maps.layers, 2);
  EXPECT_EQ(maps.heads, 2);
  for (std::size_t row = 0; row < maps.weights.size(); row += 4) {
    const float sum =
        maps.weights[row] + maps.weights[row + 1] + maps.weights[row + 2] + maps.weights[row + 3];
    EXPECT_TRUE(std::abs(sum - 1) <= 1e-5f) << row;
  }
  const AlignmentHead head = model().alignment_head();
  EXPECT_LT(head.layer, 2);
  EXPECT_LT(head.head, 2);
  const auto written = model().write(std::vector<std::string>{"a c f"}, {.alignment = true});
  if (!test::kSanitized) {
    EXPECT_EQ(written[0][0].text, "F C A");
    EXPECT_FALSE(written[0][0].alignment.empty());
  }
  for (const auto& [source, target] : written[0][0].alignment) {
    EXPECT_TRUE(source >= 0 && source < 3) << source;
    EXPECT_TRUE(target >= 0) << target;
    if (!test::kSanitized) {
      EXPECT_LT(target, 3);
    }
  }
  EXPECT_ERROR(model().see("", "A"), "empty");
  EXPECT_ERROR(model().see("a", ""), "empty");
  EXPECT_ERROR(model().see(std::string(99, 'a'), "A"), "at most 32");
}

TEST_F(TextToTextTest, RecurrentModelsOfBothAuthorsLearnToTranslateAndToAlign) {
  const std::vector<Pair> unseen = pairs(100, kSeed + 100);
  std::vector<std::string> sources;
  for (const Pair& pair : unseen) sources.push_back(pair.source);
  for (const auto decoder : {model::RnnDecoder::bahdanau, model::RnnDecoder::luong}) {
    const bool luong = decoder == model::RnnDecoder::luong;
    TextToTextJob longer = rnn_job(luong ? "luong" : "bahdanau");
    longer.options.model.rnn.decoder = decoder;
    longer.options.model.rnn.attention = luong ? "luong_general" : "bahdanau";
    longer.options.model.rnn.cell = luong ? op::RecurrentCell::lstm : op::RecurrentCell::gru;
    longer.options.model.rnn.dropout = 0;
    longer.options.steps = test::kSanitized ? 20 : 400;
    longer.options.warmup = 20;
    longer.options.evaluate_every = 100;
    train_text_to_text(longer);
    const TextToText model(longer.out);
    const auto written = model.write(sources, {.beam = 3, .alignment = true});
    std::int64_t right = 0, aligned = 0, words = 0;
    for (std::size_t i = 0; i < unseen.size(); ++i) {
      right += written[i][0].text == unseen[i].target ? 1 : 0;
      // Word i from the left is word i from the right.
      const auto count = static_cast<std::int64_t>(unseen[i].source.size() + 1) / 2;
      words += count;
      for (const auto& [source, target] : written[i][0].alignment)
        aligned += source == count - 1 - target ? 1 : 0;
    }
    if (!test::kSanitized) {
      EXPECT_GE(right, 90) << longer.out << " of 100";
      EXPECT_GE(static_cast<double>(aligned), 0.5 * static_cast<double>(words)) << longer.out;
    }
    const explain::AttentionMaps maps = model.see("a c f", "F C A");
    EXPECT_EQ(maps.layers, 1);
    EXPECT_EQ(maps.heads, 1);
    EXPECT_EQ(maps.weights.size(), 12u);
  }
}

TEST(LeadOf, IsTheFirstSentence) {
  EXPECT_EQ(lead_of("One. Two."), "One.");
  EXPECT_EQ(lead_of("v1.2 is out! Get it."), "v1.2 is out!");
  EXPECT_EQ(lead_of("no end"), "no end");
  EXPECT_EQ(lead_of("line\nnext. x"), "line");
  EXPECT_EQ(lead_of(""), "");
}

}  // namespace
}  // namespace attend::task
