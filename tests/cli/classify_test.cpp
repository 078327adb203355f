// The program with models that classify.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/expect_refused.h"
#include "support/tiny_reviews.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// A table and a model that has learned its columns, made once.
class Classifying : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    write_all(data(), tiny_reviews(300));
    trained = attend(training({"--out", model()}));
    ASSERT_EQ(trained.code, 0) << trained.err;
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static Words training(const Words& more) {
    Words words = {"train",     "classify", "--data",      data(),     "--label", "mood,topic", "--tokenizer",
                   "bpe",       "--vocab",  "320",         "--layers", "1",       "--heads",    "2",
                   "--dim",     "32",       "--context",   "32",       "--steps", "150",        "--batch",
                   "16",        "--lr",     "0.01",        "--warmup", "4",       "--seed",     "11",
                   "--dropout", "0.1",      "--precision", "f32"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static std::string data() { return *shared / "reviews.csv"; }
  static std::string model() { return *shared / "model"; }
  static fs::path file(const std::string& name) { return *shared / name; }

  static inline TemporaryFolder* shared = nullptr;
  static inline Ended trained;
};

TEST_F(Classifying, TrainTellsTheAccuracyOfEachColumn) {
  const auto lines = lines_of(trained.out);
  ASSERT_EQ(lines.size(), 3u) << trained.out;
  EXPECT_EQ(lines[1].find("  'mood': accuracy "), 0u);
  EXPECT_EQ(lines[2].find("  'topic': accuracy "), 0u);
  const Ended info = attend({"info", model()});
  EXPECT_NE(info.out.find("pooling     attention\n"), std::string::npos) << info.out;
  EXPECT_EQ(nlohmann::json::parse(attend({"info", model(), "--json"}).out)["task"], "classify");
}

TEST_F(Classifying, RunTakesTextsFilesAndStandardInput) {
  const Ended given = attend({"run", model(), "lovely ball", "awful vote that day"});
  const auto lines = lines_of(given.out);
  ASSERT_EQ(lines.size(), 2u) << given.out << given.err;
  EXPECT_EQ(lines[0].find("good\t"), 0u) << lines[0];
  EXPECT_NE(lines[0].find("\tsport\t"), std::string::npos) << lines[0];
  EXPECT_EQ(lines[1].find("bad\t"), 0u) << lines[1];
  EXPECT_TRUE(lines[1].ends_with("\tawful vote that day")) << lines[1];
  write_all(file("lines.txt"), "lovely ball\nawful vote that day\n");
  EXPECT_EQ(attend({"run", model(), "--file", file("lines.txt")}).out, given.out);
  EXPECT_EQ(attend({"run", model()}, {.input = "lovely ball\nawful vote that day\n"}).out, given.out);
  write_all(file("texts.jsonl"), "{\"text\": \"lovely ball\"}\n{\"text\": \"awful vote that day\"}\n");
  EXPECT_EQ(attend({"run", model(), "--file", file("texts.jsonl")}).out, given.out);
  const auto object = nlohmann::json::parse(attend({"run", model(), "lovely ball", "--json"}).out);
  EXPECT_EQ(object["text"], "lovely ball");
  EXPECT_EQ(object["answers"][1]["label"], "sport");
  EXPECT_GT(object["answers"][1]["probabilities"]["sport"], 0.5);
}

TEST_F(Classifying, RunFollowsAStreamAndRaisesAlerts) {
  std::string stream;
  for (int i = 0; i < 12; ++i) stream += i < 4 || i > 8 ? "lovely ball\n" : "awful ball\n";
  const Words words = {"run", model(), "--follow", "--alert", "mood=bad rate>0.5 window=4"};
  const auto lines = lines_of(attend(words, {.input = stream}).out);
  ASSERT_EQ(lines.size(), 14u);
  EXPECT_EQ(lines[7], "ALERT mood=bad: 75.0 % of the last 4 texts, the limit is 50.0 %, after 7 texts");
  EXPECT_EQ(lines[12],
            "alert ended mood=bad: 50.0 % of the last 4 texts, the limit is 50.0 %, after 11 texts");
  Words json = words;
  json.emplace_back("--json");
  const auto alert = nlohmann::json::parse(lines_of(attend(json, {.input = stream}).out)[7]);
  EXPECT_EQ(alert["alert"], "raised");
  EXPECT_EQ(alert["share"], 0.75);
  expect_refused({"run", model(), "a", "--alert", "mood=sad rate>0.5 window=4"}, "no label 'sad'");
  expect_refused({"run", model(), "a", "--alert", "mood=bad rate>5 window=4"}, "rate 5");
}

TEST_F(Classifying, EvalMeasuresAndShowsMatrices) {
  write_all(file("test.csv"), tiny_reviews(60, 9));
  const std::string page = file("page.html");
  const Ended text = attend({"eval", model(), "--data", file("test.csv"), "--out", page});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("topic: accuracy 1.0000, macro-F1 1.0000"), std::string::npos) << text.out;
  EXPECT_NE(read_all(page).find("<th scope=\"row\">politics</th>"), std::string::npos);
  const auto object =
      nlohmann::json::parse(attend({"eval", model(), "--data", file("test.csv"), "--json"}).out);
  EXPECT_EQ(object["texts"], 60);
  EXPECT_EQ(object["columns"][0]["accuracy"], 1.0);
}

TEST_F(Classifying, SeeShowsTheWordsThatDecided) {
  const Ended text = attend({"see", model(), "the day was awful", "--column", "mood"});
  EXPECT_EQ(text.out.find("mood: bad, "), 0u) << text.out << text.err;
  EXPECT_NE(text.out.find("  awful\n"), std::string::npos);
  for (const char* name : {"see.html", "see.json"})
    EXPECT_EQ(attend({"see", model(), "the day was awful", "--out", file(name)}).code, 0);
  EXPECT_NE(read_all(file("see.html")).find(">awful</span>"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(read_all(file("see.json")))["words"][3]["text"], "awful");
  expect_refused({"see", model(), "a", "--out", "x.png"}, ".html or .json");
  expect_refused({"see", model(), "a", "--column", "x"}, "--column 'x': this model has 'mood', 'topic'");
}

TEST_F(Classifying, ABagOfWordsIsReadAndShown) {
  const std::string bag = file("bag");
  const Ended ended = attend(training({"--out", bag, "--bag-of-words"}));
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto info = nlohmann::json::parse(attend({"info", bag, "--json"}).out);
  EXPECT_GT(info["bag_of_words"], 100);
  EXPECT_NE(attend({"info", bag}).out.find("\nbag_of_words " + info["bag_of_words"].dump() + "\n"),
            std::string::npos);
  const Ended see = attend({"see", bag, "the day was awful", "--column", "mood"});
  EXPECT_EQ(see.out.find("mood: bad, "), 0u) << see.out << see.err;
  EXPECT_NE(see.out.find("bag of words"), std::string::npos) << see.out;
  EXPECT_EQ(nlohmann::json::parse(attend({"info", model(), "--json"}).out)["bag_of_words"], 0);
  expect_refused(training({"--out", bag, "--resume", "--no-bag-of-words"}),
                 "bag_of_words false: the training in");
}

TEST_F(Classifying, BadInputIsNamedInOneLine) {
  const std::string out = file("none");
  expect_refused({"train", "classify", "--data", data(), "--label", "tpoic", "--out", out},
                 "no column 'tpoic'; did you mean 'topic'?");
  expect_refused({"train", "classify", "--out", out}, "--data FILE is needed");
  EXPECT_FALSE(fs::exists(out));
  write_all(file("bad.csv"), "text,mood,topic\nfine ball,good,sport\n\nfine ball,god,sport\n");
  expect_refused({"eval", model(), "--data", file("bad.csv")}, "bad.csv, line 3: ");
  const auto object =
      nlohmann::json::parse(attend({"eval", model(), "--data", file("bad.csv"), "--skip-bad", "--json"}).out);
  EXPECT_EQ(object["skipped"], 2);
  expect_refused({"run", model()}, "line 2: the line is empty", "a\n\nb\n");
  const Ended skipped = attend({"run", model(), "--skip-bad"}, {.input = "a\n\nb\n"});
  EXPECT_EQ(lines_of(skipped.out).size(), 2u);
  EXPECT_NE(skipped.err.find("1 bad records skipped; the first: "), std::string::npos) << skipped.err;
  expect_refused({"run", model(), "--prompt", "a"}, "--prompt");
}

}  // namespace
}  // namespace attend::test
