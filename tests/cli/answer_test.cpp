// The program with models that answer questions.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/expect_refused.h"
#include "support/tiny_questions.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

class Answering : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    write_all(file("questions.tsv"), tiny_questions(400, 5));
    write_all(file("text.txt"), "so anna day lamp the oslo\n");
    const Ended ended = attend({"train",
                                "answer",
                                "--data",
                                file("questions.tsv"),
                                "--out",
                                model(),
                                "--layers",
                                "2",
                                "--heads",
                                "4",
                                "--dim",
                                "64",
                                "--context",
                                "32",
                                "--vocab",
                                "400",
                                "--batch",
                                "32",
                                "--steps",
                                "300",
                                "--lr",
                                "0.005",
                                "--warmup",
                                "50",
                                "--dropout",
                                "0",
                                "--precision",
                                "f32",
                                "--positions",
                                "rotary",
                                "--seed",
                                "11",
                                "--stride",
                                "16",
                                "--eval-every",
                                "100",
                                "--token-dropout",
                                "0"});
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_NE(ended.out.find("  exact match "), std::string::npos) << ended.out;
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static std::string file(const std::string& name) { return (*shared / name).string(); }
  static std::string model() { return file("model"); }

  static inline TemporaryFolder* shared = nullptr;
};

TEST_F(Answering, TellsAnswersAndTheirPlaces) {
  const Words run = {"run", model(), "--context", file("text.txt")};
  Words one = run;
  one.insert(one.end(), {"--question", "where"});
  const Ended found = attend(one);
  EXPECT_EQ(found.out.find("oslo\tbytes 21-25\tscore "), 0u) << found.out << found.err;
  const Ended asked = attend(run, {.input = "where\nwho\n"});
  EXPECT_EQ(asked.out.find(found.out), 0u) << asked.out;
  EXPECT_NE(asked.out.find("\nanna\tbytes 3-7\t"), std::string::npos) << asked.out;
  write_all(file("none.txt"), "so anna day lamp the\n");
  Words json = {"run", model(), "--context", file("none.txt"), "--question", "where"};
  EXPECT_EQ(attend(json).out.find("(no answer)\t"), 0u);
  json.emplace_back("--json");
  const auto none = nlohmann::json::parse(attend(json).out);
  EXPECT_EQ(none["answer"], "");
  json.insert(json.end(), {"--no-answer", "1000"});
  EXPECT_EQ(nlohmann::json::parse(attend(json).out)["answer"], none["best_span"]);
}

TEST_F(Answering, MeasuresAndShows) {
  write_all(file("test.tsv"), tiny_questions(50, 4, 99));
  const Ended text = attend({"eval", model(), "--data", file("test.tsv")});
  EXPECT_NE(text.out.find("\nwithout answer"), std::string::npos) << text.out << text.err;
  const auto object =
      nlohmann::json::parse(attend({"eval", model(), "--data", file("test.tsv"), "--json"}).out);
  EXPECT_GE(object["exact"], 90);
  EXPECT_EQ(object["questions"], 100);
  const std::string squad = R"({"version": "v2.0", "data": [{"title": "t", "paragraphs": [{"context":
    "so anna day lamp the oslo", "qas": [{"id": "1", "question": "where",
    "answers": [{"text": "oslo", "answer_start": 21}]}]}]}]})";
  write_all(file("squad.json"), squad);
  EXPECT_EQ(
      nlohmann::json::parse(attend({"eval", model(), "--data", file("squad.json"), "--json"}).out)["exact"],
      100.0);
  const Words see = {"see", model(), "where", "--context", file("text.txt")};
  const Ended shown = attend(see);
  EXPECT_EQ(shown.out.find("oslo: score "), 0u) << shown.out << shown.err;
  EXPECT_NE(shown.out.find("\n  where\n  so anna day"), std::string::npos) << shown.out;
  Words page = see;
  page.insert(page.end(), {"--out", file("see.html")});
  EXPECT_EQ(attend(page).code, 0);
  EXPECT_NE(read_all(file("see.html")).find(">oslo</span>"), std::string::npos);
  EXPECT_NE(attend({"info", model()}).out.find("no_answer"), std::string::npos);
}

TEST_F(Answering, BadInputIsNamedInOneLine) {
  expect_refused({"train", "answer", "--out", file("none")}, "--data FILE is needed");
  write_all(file("bad.tsv"), "who\tanna is here\tanna\nwho\tanna\tben\n");
  expect_refused({"train", "answer", "--data", file("bad.tsv"), "--out", file("none")},
                 "bad.tsv, line 2: the answer 'ben'");
  EXPECT_FALSE(fs::exists(file("none")));
  expect_refused({"eval", model(), "--data", file("bad.tsv")}, "bad.tsv, line 2");
  write_all(file("bad.json"), "{\"data\": [{\"paragraphs\": 5}]}");
  expect_refused({"eval", model(), "--data", file("bad.json")}, "bad.json, line 1");
  expect_refused({"run", model(), "--question", "a"}, "--context");
  expect_refused({"run", model(), "--context", file("nowhere"), "--question", "a"}, "nowhere");
  expect_refused({"see", model(), "where", "--context", file("text.txt"), "--out", "x.png"},
                 ".html or .json");
}

}  // namespace
}  // namespace attend::test
