// The program with models that tag words.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/expect_refused.h"
#include "support/tiny_tags.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

class Tagging : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    write_all(file("names.txt"), tiny_tags(300));
    Words words = train_tiny_tagger(file("names.txt"), model());
    words.insert(words.end(), {"--steps", "300"});
    const Ended ended = attend(words);
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_NE(ended.out.find("  words with the right tag "), std::string::npos) << ended.out;
    EXPECT_NE(ended.out.find(", F1 of spans "), std::string::npos) << ended.out;
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static std::string file(const std::string& name) { return (*shared / name).string(); }
  static std::string model() { return file("model"); }

  static Words train_tiny_tagger(const std::string& data, const std::string& out) {
    return {"train",       "tag", "--data",          data, "--out",        out,    "--layers",  "1",
            "--dim",       "32",  "--heads",         "2",  "--lr",         "0.02", "--warmup",  "4",
            "--vocab",     "400", "--batch",         "16", "--context",    "64",   "--dropout", "0.1",
            "--precision", "f32", "--token-dropout", "0",  "--eval-every", "100",  "--seed",    "11"};
  }

  static inline TemporaryFolder* shared = nullptr;
};

TEST_F(Tagging, TellsTheTagOfEachWord) {
  const Ended given = attend({"run", model(), "so Anna old was", "Paris"});
  EXPECT_EQ(given.code, 0) << given.err;
  EXPECT_EQ(given.out.find("so\tO\t"), 0u) << given.out;
  EXPECT_NE(given.out.find("\nAnna\tB-PER\t"), std::string::npos) << given.out;
  EXPECT_NE(given.out.find("\nold\tI-PER\t"), std::string::npos) << given.out;
  EXPECT_NE(given.out.find("\n\nParis\tB-LOC\t"), std::string::npos) << given.out;
  EXPECT_EQ(attend({"run", model()}, {.input = "so Anna old was\n\nParis\n"}).out, given.out);
  write_all(file("lines.txt"), "so Anna old was\nParis\n");
  EXPECT_EQ(attend({"run", model(), "--file", file("lines.txt")}).out, given.out);
  const auto object = nlohmann::json::parse(attend({"run", model(), "so Anna old was", "--json"}).out);
  EXPECT_EQ(object["words"], nlohmann::json({"so", "Anna", "old", "was"}));
  EXPECT_EQ(object["tags"], nlohmann::json({"O", "B-PER", "I-PER", "O"}));
  EXPECT_EQ(object["probabilities"].size(), 4u);
}

TEST_F(Tagging, MeasuresAndShows) {
  write_all(file("test.txt"), tiny_tags(100, 99));
  const Ended text = attend({"eval", model(), "--data", file("test.txt")});
  EXPECT_EQ(text.out.find("100 sentences, "), 0u) << text.out << text.err;
  EXPECT_NE(text.out.find("PER"), std::string::npos) << text.out;
  const auto object =
      nlohmann::json::parse(attend({"eval", model(), "--data", file("test.txt"), "--json"}).out);
  EXPECT_EQ(object["sentences"], 100);
  EXPECT_GE(object["accuracy"], 0.98);
  EXPECT_GE(object["spans"]["f1"], 0.96);
  EXPECT_GE(object["span_types"]["LOC"]["f1"], 0.96);
  const Words see = {"see", model(), "so Anna old was"};
  const Ended shown = attend(see);
  EXPECT_NE(shown.out.find("tags:  so O "), std::string::npos) << shown.out << shown.err;
  EXPECT_NE(shown.out.find("  Anna B-PER "), std::string::npos) << shown.out;
  for (const std::string ending : {"html", "json", "png"}) {
    Words page = see;
    page.insert(page.end(), {"--out", file("see." + ending)});
    EXPECT_EQ(attend(page).code, 0) << ending;
    EXPECT_GT(fs::file_size(file("see." + ending)), 100u);
  }
  const auto maps = nlohmann::json::parse(read_all(file("see.json")));
  EXPECT_EQ(maps["shape"], nlohmann::json({1, 2, 5, 5}));
  EXPECT_NE(attend({"info", model()}).out.find("B-PER"), std::string::npos);
}

TEST_F(Tagging, AResumeGoesOnToTheSameBits) {
  Words whole = train_tiny_tagger(file("names.txt"), file("whole"));
  whole.insert(whole.end(), {"--steps", "12", "--schedule", "constant"});
  ASSERT_EQ(attend(whole).code, 0);
  Words part = train_tiny_tagger(file("names.txt"), file("part"));
  part.insert(part.end(), {"--steps", "5", "--schedule", "constant"});
  ASSERT_EQ(attend(part).code, 0);
  const Ended resumed = attend({"train", "tag", "--out", file("part"), "--resume", "--steps", "12"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_TRUE(read_all(file("whole/model.safetensors")) == read_all(file("part/model.safetensors")));
}

TEST_F(Tagging, BadInputIsNamedInOneLine) {
  expect_refused({"train", "tag", "--out", file("none")}, "--data FILE is needed");
  write_all(file("bad.txt"), "so O\nAnna\n");
  expect_refused(train_tiny_tagger(file("bad.txt"), file("none")), "bad.txt, line 2: 1 column; expected 2");
  EXPECT_FALSE(fs::exists(file("none")));
  write_all(file("unknown.txt"), "so O\nAnna B-ORG\n");
  expect_refused({"eval", model(), "--data", file("unknown.txt")}, "B-ORG");
  expect_refused({"eval", model(), "--data", file("unknown.txt"), "--skip-bad"}, "unknown.txt");
  expect_refused({"run", model(), " "}, "TEXT is empty");
  expect_refused({"run", model(), "--file", file("nowhere")}, "nowhere");
  expect_refused({"see", model(), "so", "--out", file("see.gif")}, ".html");
  expect_refused({"run", model()}, "UTF-8", "so \xff\n");
}

}  // namespace
}  // namespace attend::test
