#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/child.h"

namespace attend::test {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

/// A model of `attend train translate` that has learnt next to nothing.
class Translate : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = std::make_unique<TemporaryFolder>();
    std::string pairs;
    for (int i = 0; i < 60; ++i) {
      const std::string letter(1, static_cast<char>('a' + i % 8));
      pairs += letter + " is small.\t" + letter + " ist klein.\n";
    }
    write_all(*shared / "pairs.tsv", pairs);
    of(train("model"));
  }
  static void TearDownTestSuite() { shared.reset(); }

  static Words train(const std::string& out, const std::string& data = "pairs.tsv") {
    return {"train",
            "translate",
            "--data",
            (*shared / data).string(),
            "--out",
            (*shared / out).string(),
            "--tokenizer",
            "char",
            "--context",
            "32",
            "--encoder-layers",
            "1",
            "--decoder-layers",
            "2",
            "--heads",
            "2",
            "--dim",
            "16",
            "--feed-forward",
            "32",
            "--batch",
            "256",
            "--steps",
            "6",
            "--eval-every",
            "3",
            "--precision",
            "f32"};
  }
  static std::string of(const Words& arguments, const std::string& input = {}) {
    const Ended ended = attend(arguments, {.input = input});
    EXPECT_EQ(ended.code, 0) << testing::PrintToString(arguments) << ended.err;
    return ended.out;
  }
  static std::string refused(const Words& arguments, const std::string& input = {}) {
    const Ended ended = attend(arguments, {.input = input});
    EXPECT_EQ(ended.code, 2) << testing::PrintToString(arguments) << ended.out;
    EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
    return ended.err;
  }
  static std::string model() { return (*shared / "model").string(); }
  static std::string file(const char* name) { return (*shared / name).string(); }

  static inline std::unique_ptr<TemporaryFolder> shared;
};

TEST_F(Translate, RunAnswersEveryLineInItsPlace) {
  const std::string lines = of({"run", model()}, "a is small.\n\nb is small.\n");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3) << lines;
  EXPECT_NE(lines.find("\n\n"), std::string::npos) << "the empty line is answered by an empty one";
  EXPECT_EQ(of({"run", model(), "a is small.", "", "b is small."}), lines);
  write_all(*shared / "lines.txt", "a is small.\n\nb is small.\n");
  EXPECT_EQ(of({"run", model(), "--file", file("lines.txt")}), lines);
  const json answer =
      json::parse(of({"run", model(), "--json", "--n-best", "2", "--alignment", "a is small."}));
  EXPECT_EQ(answer["source"], "a is small.");
  ASSERT_EQ(answer["hypotheses"].size(), 2u);
  EXPECT_GE(answer["hypotheses"][0]["score"], answer["hypotheses"][1]["score"]);
  EXPECT_TRUE(answer["hypotheses"][0]["alignment"].is_array());
  EXPECT_NE(refused({"run", model(), "--beam", "2", "--n-best", "3", "a"}).find("n-best 3"),
            std::string::npos);
  EXPECT_NE(refused({"run", model(), "\xff"}).find("UTF-8"), std::string::npos);
  EXPECT_NE(refused({"run", model(), "7"}).find("7"), std::string::npos) << "a character it does not know";
  EXPECT_NE(refused({"run", model(), "--prompt", "a"}).find("unknown option '--prompt' of 'attend run'"),
            std::string::npos);
}

TEST_F(Translate, EvalTellsTheMetricsWithTheirSignatures) {
  const json facts = json::parse(of({"eval", model(), "--data", file("pairs.tsv"), "--json"}));
  EXPECT_EQ(facts["task"], "translate");
  EXPECT_EQ(facts["bleu_signature"], "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0");
  EXPECT_EQ(facts["pairs"], 60);
  EXPECT_EQ(facts["chrf_signature"], "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0");
  EXPECT_TRUE(facts["loss"].get<double>() > 0);
  const std::string text = of({"eval", model(), "--data", file("pairs.tsv"), "--beam", "1"});
  EXPECT_NE(text.find("BLEU|nrefs:1"), std::string::npos) << text;
  write_all(*shared / "bad.tsv", "a is small.\ta ist klein.\nhalf\n");
  EXPECT_NE(refused({"eval", model(), "--data", file("bad.tsv")}).find("bad.tsv, line 2"), std::string::npos);
  const json rest = json::parse(of({"eval", model(), "--data", file("bad.tsv"), "--skip-bad", "--json"}));
  EXPECT_EQ(rest["pairs"], 1);
  EXPECT_EQ(rest["skipped"], 1);
}

TEST_F(Translate, SeeShowsWordsAgainstWords) {
  of({"see", model(), "a is small.", "a ist klein.", "--out", file("maps.json")});
  const json maps = json::parse(read_all(*shared / "maps.json"));
  EXPECT_EQ(maps["queries"], json({"a", "ist", "klein."}));
  EXPECT_EQ(maps["keys"], json({"a", "is", "small.", "</s>"}));
  EXPECT_EQ(maps["shape"], json({2, 2, 3, 4}));
  EXPECT_NE(of({"see", model(), "a is small.", "a ist klein."}).find("klein."), std::string::npos);
  of({"see", model(), "a is small.", "a ist klein.", "--out", file("page.html")});
  EXPECT_NE(read_all(*shared / "page.html").find("klein."), std::string::npos);
  of({"see", model(), "a is small.", "a ist klein.", "--out", file("picture.png")});
  EXPECT_TRUE(read_all(*shared / "picture.png").starts_with("\x89PNG"));
  EXPECT_NE(refused({"see", model(), "a", "b", "--layer", "2"}).find("--layer 2"), std::string::npos);
}

TEST_F(Translate, InfoAndHelpKnowTheTask) {
  EXPECT_NE(of({"info", model()}).find("task        translate"), std::string::npos);
  const json facts = json::parse(of({"info", model(), "--json"}));
  EXPECT_EQ(facts["model"]["decoder_layers"], 2);
  EXPECT_GT(facts["parameters"], 1000);
  const std::string help = of({"run", model(), "--help"});
  EXPECT_NE(help.find("Usage: attend run [OPTIONS]"), std::string::npos) << help;
  EXPECT_NE(help.find("--alignment"), std::string::npos);
  EXPECT_NE(of({"run", "--help"}).find("--prompt"), std::string::npos) << "all tasks, without a model";
  EXPECT_NE(of({"tasks"}).find("summarize"), std::string::npos);
}

TEST_F(Translate, TheSameCommandGivesTheSameBits) {
  of(train("again"));
  EXPECT_TRUE(read_all(*shared / "again" / "model.safetensors") ==
              read_all(*shared / "model" / "model.safetensors"));
  EXPECT_NE(refused(train("again")).find("already holds a model"), std::string::npos);
  EXPECT_NE(refused(train("other", "none.tsv")).find("none.tsv"), std::string::npos);
  EXPECT_NE(refused({"train", "translate", "--out", file("other")}).find("--data"), std::string::npos);
}

TEST_F(Translate, ARecurrentModelHasTheSameVerbs) {
  const auto rnn = [](const char* out, Words more) {
    Words words = {"train", "translate", "--data", file("pairs.tsv"), "--out", file(out)};
    more.insert(more.end(), {"--model", "rnn", "--tokenizer", "char", "--dim", "16", "--hidden", "16",
                             "--batch", "256", "--steps", "4", "--eval-every", "2"});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  of(rnn("rnn", {"--attention", "luong_general", "--cell", "lstm"}));
  const json model = json::parse(of({"info", file("rnn"), "--json"}))["model"];
  EXPECT_EQ(model["kind"], "rnn");
  EXPECT_EQ(model["cell"], "lstm");
  EXPECT_EQ(model["attention"], "luong_general");
  EXPECT_EQ(model["decoder"], "luong") << "an author's name stands for his decoder";
  of({"run", file("rnn"), "a is small.", "--alignment"});
  EXPECT_EQ(json::parse(of({"eval", file("rnn"), "--data", file("pairs.tsv"), "--json"}))["pairs"], 60);
  of({"see", file("rnn"), "a is small.", "a ist klein.", "--out", file("rnn.json")});
  EXPECT_EQ(json::parse(read_all(*shared / "rnn.json"))["shape"], json({1, 1, 3, 4}));
  of({"train", "translate", "--out", file("rnn"), "--resume", "--steps", "6"});
  EXPECT_NE(refused(rnn("none", {"--post-norm"})).find("--post-norm: a model of the kind rnn"),
            std::string::npos);
  EXPECT_NE(refused(rnn("none", {"--attention", "alibi"})).find("depends on places"), std::string::npos);
  Words transformer = train("none");
  transformer.insert(transformer.end(), {"--cell", "gru"});
  EXPECT_NE(refused(transformer).find("--cell: a model of the kind transformer"), std::string::npos);
  EXPECT_NE(refused({"train", "translate", "--out", file("rnn"), "--resume", "--model", "transformer"})
                .find("begun with another model"),
            std::string::npos);
}

}  // namespace
}  // namespace attend::test
