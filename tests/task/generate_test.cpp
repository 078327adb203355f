#include "attend/task/generate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <set>

#include "attend/base/error.h"
#include "attend/data/language_model.h"
#include "attend/task/language_model.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_text.h"
#include "support/watcher.h"
#include "task/generate/evaluate.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using test::Watcher;

class Generate : public testing::Test {
 protected:
  Generate() { std::ofstream(folder_ / "text.txt") << test::tiny_text(); }

  GenerateJob job(const std::string& out) const {
    GenerateJob job;
    job.data = folder_ / "text.txt";
    job.out = folder_ / out;
    job.options.model = {.context = 16, .layers = 2, .heads = 2, .dim = 16, .dropout = 0.1};
    job.options.batch = 4;
    job.options.steps = 40;
    job.options.learning_rate = 0.01;
    job.options.warmup = 4;
    job.options.evaluate_every = 10;
    job.options.precision = "f32";
    job.options.seed = 11;
    return job;
  }
  GenerateConfig train(const GenerateJob& job, Watcher& watcher) const {
    GenerateJob watched = job;
    watched.observer = &watcher;
    watched.stop = &watcher.stop;
    return train_generate(watched);
  }

  TemporaryFolder folder_;
};

TEST_F(Generate, InterruptedAndResumedGivesTheSameBits) {
  Watcher whole, first, second;
  const GenerateConfig expected = train(job("whole"), whole);
  EXPECT_EQ(expected.results->ended, "steps");
  GenerateJob parts = job("parts");
  first.stop_after = 23;  // between two evaluations
  const GenerateConfig stopped = train(parts, first);
  EXPECT_EQ(stopped.results->ended, "interrupted");
  EXPECT_EQ(stopped.results->step, 23);
  parts.resume = true;
  parts.data.clear();  // the tokens kept in the folder serve
  const GenerateConfig resumed = train(parts, second);
  EXPECT_EQ(second.updates, 17);
  EXPECT_EQ(resumed.results->step, 40);
  EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
  EXPECT_EQ(resumed.results->best_step, expected.results->best_step);
  EXPECT_TRUE(test::read_all(folder_ / "whole" / "model.safetensors") ==
              test::read_all(folder_ / "parts" / "model.safetensors"));
  EXPECT_EQ((whole.said + first.said + second.said).find("nothing left"), std::string::npos);
}

TEST_F(Generate, NothingLeftToDo) {
  GenerateJob again = job("model");
  Watcher first, second;
  train(again, first);
  again.resume = true;
  const GenerateConfig config = train(again, second);
  EXPECT_EQ(second.updates, 0);
  EXPECT_EQ(config.results->step, 40);
  EXPECT_NE(second.said.find("nothing left to do: the training had reached 40 updates of 40"),
            std::string::npos)
      << second.said;
}

TEST_F(Generate, FailureBeforeAnythingIsWrittenLeavesNoFolder) {
  Watcher watcher;
  watcher.fail_at_message = true;  // the first thing that happens once the folder is made
  EXPECT_ERROR(train(job("far/away/model"), watcher), "observer fails");
  EXPECT_FALSE(fs::exists(folder_ / "far"));
  fs::create_directories(folder_ / "far");
  EXPECT_ERROR(train(job("far/away/model"), watcher), "observer fails");
  EXPECT_TRUE(fs::is_empty(folder_ / "far"));
  EXPECT_ERROR(train(job("far"), watcher), "observer fails");
  EXPECT_TRUE(fs::exists(folder_ / "far"));
  GenerateJob nowhere = job("x");
  nowhere.out.clear();
  EXPECT_ERROR(train_generate(nowhere), "--out");
}

/// One model, trained long enough to write more than one letter.
class Trained : public Generate {
 protected:
  static void SetUpTestSuite() {
    Trained once;
    shared = std::make_unique<LanguageModel>(once.trained("model"));
  }
  static void TearDownTestSuite() { shared.reset(); }
  void TestBody() override {}

  LanguageModel trained(const std::string& out) const {
    GenerateJob longer = job(out);
    longer.options.steps = 400;
    longer.options.evaluate_every = 0;
    longer.options.model.dropout = 0;
    train_generate(longer);
    return LanguageModel(longer.out);
  }
  static Tensor row(const std::vector<std::int32_t>& ids) {
    return Tensor::from(ids, {1, static_cast<std::int64_t>(ids.size())});
  }
  /// The text that the likeliest token of one full pass after the other gives.
  static std::string greedy_by_full_passes(const LanguageModel& model, std::vector<std::int32_t> ids,
                                           int tokens) {
    const std::size_t context = static_cast<std::size_t>(model.model().config().context);
    const std::size_t vocabulary = static_cast<std::size_t>(model.model().config().vocabulary);
    std::size_t first = 0;
    const std::size_t begin = ids.size();
    for (int i = 0; i < tokens; ++i) {
      if (ids.size() - first > context) first = ids.size() - context / 2;
      const std::vector<std::int32_t> seen(ids.begin() + static_cast<std::ptrdiff_t>(first), ids.end());
      const std::vector<float> scores = model.model().logits(row(seen)).to_vector<float>();
      const auto last = scores.end() - static_cast<std::ptrdiff_t>(vocabulary);
      ids.push_back(static_cast<std::int32_t>(std::max_element(last, scores.end()) - last));
    }
    return model.tokenizer().decode(std::span<const std::int32_t>(ids).subspan(begin));
  }

  static inline std::unique_ptr<LanguageModel> shared;
  static const LanguageModel& model() { return *shared; }
};

TEST_F(Trained, GreedyOverTheCacheIsGreedyByFullPasses) {
  for (const char* prompt : {"the cat", "a dog sees the moon and the river", "\n"}) {
    SCOPED_TRACE(prompt);
    const Written written = model().generate(prompt, {.tokens = 50, .temperature = 0});
    EXPECT_EQ(written.tokens, 50);
    EXPECT_EQ(written.text, greedy_by_full_passes(model(), model().tokenizer().encode(prompt), 50));
    EXPECT_GT(std::set<char>(written.text.begin(), written.text.end()).size(), 4u) << written.text;
  }
}

TEST_F(Trained, AnEmptyPromptBeginsAfterALineBreak) {
  const SampleOptions greedy = {.tokens = 30, .temperature = 0};
  const Written written = model().generate("", greedy);
  EXPECT_EQ(written.prompt_tokens, 0);
  EXPECT_EQ(written.text, model().generate("\n", greedy).text);
  ASSERT_NE(model().tokenizer().piece(1), "\n");
  EXPECT_NE(written.text, greedy_by_full_passes(model(), {1}, 30)) << "the first token changes nothing";
  std::string line = test::tiny_text();
  std::ranges::replace(line, '\n', ' ');
  std::ofstream(folder_ / "text.txt") << line;
  const LanguageModel other = trained("other");
  EXPECT_EQ(other.generate("", greedy).text, greedy_by_full_passes(other, {0}, 30));
}

TEST_F(Trained, ObservingChangesNoBit) {
  struct Recorder : attention::Observer {
    int layers = 0;
    bool wants(std::int64_t) override { return true; }
    void observe(std::int64_t, const Tensor&) override { ++layers; }
  };
  const Tensor ids = row(model().tokenizer().encode("the cat sees"));
  for (const DType dtype : {DType::f32, DType::bf16}) {
    Recorder recorder;
    const Tensor plain = model().model().logits(ids, {.compute = dtype});
    const Tensor observed = model().model().logits(ids, {.observer = &recorder, .compute = dtype});
    EXPECT_TRUE(test::same_bits(plain, observed)) << name_of(dtype);
    EXPECT_EQ(recorder.layers, 2);
  }
}

TEST_F(Trained, EvaluationIsTheSumOverTheSplit) {
  const std::vector<std::int32_t> ids = model().tokenizer().encode(test::read_all(folder_ / "text.txt"));
  const data::TokenView all_tokens(std::span<const std::int32_t>(ids), model().tokenizer().size());
  const data::TokenView split =
      data::split_by_position(all_tokens.slice(0, all_tokens.size() - 50)).validation;
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(split.size()));
  split.copy(0, tokens);
  ASSERT_NE((tokens.size() - 1) % 16, 0u) << "the last window should be a shorter one";
  const std::size_t vocabulary = static_cast<std::size_t>(model().tokenizer().size());
  double sum = 0;
  for (std::size_t begin = 0; begin + 1 < tokens.size(); begin += 16) {
    const std::size_t count = std::min<std::size_t>(16, tokens.size() - 1 - begin);
    const auto at = tokens.begin() + static_cast<std::ptrdiff_t>(begin);
    const std::vector<std::int32_t> window(at, at + static_cast<std::ptrdiff_t>(count));
    const std::vector<float> scores = model().model().logits(row(window)).to_vector<float>();
    for (std::size_t i = 0; i < count; ++i) {
      double all = 0;
      for (std::size_t id = 0; id < vocabulary; ++id)
        all += std::exp(static_cast<double>(scores[i * vocabulary + id]));
      const auto target = static_cast<std::size_t>(tokens[begin + i + 1]);
      sum += std::log(all) - static_cast<double>(scores[i * vocabulary + target]);
    }
  }
  const Evaluation result = model().evaluate(split);
  const double expected = sum / static_cast<double>(tokens.size() - 1);
  EXPECT_FALSE(!(std::abs(result.loss - expected) <= 1e-5 * expected)) << result.loss << " " << expected;
  EXPECT_EQ(result.tokens, split.size() - 1);
  EXPECT_EQ(result.characters, result.tokens);
  ASSERT_TRUE(result.bits_per_character);
  EXPECT_FALSE(!(std::abs(*result.bits_per_character - result.loss / std::log(2.0)) <= 1e-12));
}

TEST(EvaluationOf, BitsAreForTheCharactersThatBeginInPredictedTokens) {
  const auto bytes = data::train_tokenizer({.kind = "byte"}, "a");
  const auto of = [&](std::string_view text) {
    const std::vector<std::int32_t> ids = bytes->encode(text);
    return evaluation_of(2, {std::span<const std::int32_t>(ids), bytes->size()}, *bytes);
  };
  const Evaluation result = of("aäb");  // four bytes, three of them predicted, two characters
  EXPECT_EQ(result.tokens, 3);
  EXPECT_EQ(result.characters, 2);
  ASSERT_TRUE(result.bits_per_character);
  EXPECT_FALSE(!(std::abs(*result.bits_per_character - 2 * 3 / (std::log(2.0) * 2)) <= 1e-12));
  EXPECT_EQ(of("ä").characters, 0);
  EXPECT_FALSE(of("ä").bits_per_character);
}

}  // namespace
}  // namespace attend::task
