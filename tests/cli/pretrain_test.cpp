#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/expect_refused.h"
#include "support/temporary_folder.h"
#include "support/tiny_echoes.h"
#include "support/tiny_pairs.h"
#include "support/tiny_questions.h"
#include "support/tiny_reviews.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;

/// An encoder pretrained for a moment.
class Pretraining : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    write_all(*shared / "echoes.txt", tiny_echoes(200));
    const Ended ended =
        attend({"train",     "pretrain", "--data",  text(),        "--out",   model(),       "--layers",
                "1",         "--heads",  "2",       "--dim",       "32",      "--vocab",     "400",
                "--context", "32",       "--batch", "8",           "--steps", "150",         "--lr",
                "0.01",      "--warmup", "4",       "--precision", "f32",     "--positions", "learned"});
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_NE(ended.out.find("validation loss"), std::string::npos);
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static std::string file(const char* name) { return (*shared / name).string(); }
  static std::string text() { return file("echoes.txt"); }
  static std::string model() { return file("encoder"); }
  static inline TemporaryFolder* shared = nullptr;
};

TEST_F(Pretraining, EachVerbDoesItsWork) {
  const Ended run = attend({"run", model(), "--prompt", "red [MASK] red red", "--top", "2"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out.find("red red red red\n[MASK]:  ' red' "), 0u) << run.out;
  const auto answer =
      nlohmann::json::parse(attend({"run", model(), "--prompt", "red [MASK] red red", "--json"}).out);
  EXPECT_EQ(answer["hidden"].size(), 1u);
  EXPECT_EQ(answer["hidden"][0][0]["token"], " red");
  const Ended piped = attend({"run", model(), "--precision", "f32"}, {.input = "red [MASK] red"});
  EXPECT_EQ(piped.code, 0) << piped.err;
  const auto facts = nlohmann::json::parse(attend({"eval", model(), "--data", text(), "--json"}).out);
  EXPECT_NEAR(facts["perplexity"].get<double>(), std::exp(facts["loss"].get<double>()), 1e-9);
  EXPECT_EQ(facts["mask_share"], 0.15);
  EXPECT_NE(attend({"eval", model(), "--data", text(), "--split", "all"}).out.find("split all"),
            std::string::npos);
  const Ended see = attend({"see", model(), "red [MASK] red"});
  EXPECT_EQ(see.code, 0) << see.err;
  EXPECT_NE(see.out.find("[MASK]:  '"), std::string::npos) << see.out;
  EXPECT_EQ(attend({"see", model(), "red [MASK] red", "--out", file("see.html")}).code, 0);
  EXPECT_NE(attend({"info", model()}).out.find("pretrain"), std::string::npos);
}

TEST_F(Pretraining, OtherTasksStartFromIt) {
  write_all(file("reviews.csv"), tiny_reviews(100));
  const std::vector<std::string> line = {"train",   "classify", "--data",      file("reviews.csv"),
                                         "--label", "mood",     "--init",      model(),
                                         "--steps", "2",        "--precision", "f32"};
  auto good = line, other_dim = line, other_tokenizer = line, no_encoder = line;
  good.insert(good.end(), {"--out", file("classifier"), "--dim", "32"});
  const Ended ended = attend(good);
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.err.find("1 layers of 32, context 32"), std::string::npos) << ended.err;
  other_dim.insert(other_dim.end(), {"--out", file("none"), "--dim", "64"});
  expect_refused(other_dim, "dim 64: the encoder in");
  other_tokenizer.insert(other_tokenizer.end(), {"--out", file("none"), "--tokenizer", "bpe"});
  expect_refused(other_tokenizer, "tokenizer bpe: the encoder in");
  no_encoder[7] = file("echoes.txt");
  no_encoder.insert(no_encoder.end(), {"--out", file("none")});
  expect_refused(no_encoder, "a model folder is needed");
  EXPECT_FALSE(fs::exists(file("none")));
  write_all(file("questions.tsv"), tiny_questions(60));
  write_all(file("pairs.tsv"), tiny_pair_table(7, 60));
  for (const auto& [task, data] :
       {std::pair("answer", "questions.tsv"), std::pair("converse", "pairs.tsv")}) {
    const Ended other = attend({"train", task, "--data", file(data), "--init", model(), "--steps", "2",
                                "--batch", "8", "--precision", "f32", "--out", file(task)});
    EXPECT_EQ(other.code, 0) << other.err;
    EXPECT_NE(other.err.find("1 layers of 32, context 32"), std::string::npos) << other.err;
  }
}

TEST_F(Pretraining, BadInputIsNamedInOneLine) {
  expect_refused({"train", "pretrain", "--out", file("none")}, "--data FILE|DIR is needed");
  expect_refused({"train", "pretrain", "--data", text(), "--out", file("none"), "--mask", "1"}, "--mask");
  expect_refused({"run", model(), "--prompt", "red"}, "no [MASK] in it");
  expect_refused({"see", model(), ""}, "empty");
  expect_refused({"eval", model(), "--data", file("nothing")}, "nothing");
}

}  // namespace
}  // namespace attend::test
