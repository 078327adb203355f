// The program with models that search.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/expect_refused.h"
#include "cli/tiny_model.h"
#include "support/tiny_pairs.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class Searching : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    std::string texts;
    for (const auto& [query, text] : tiny_pairs()) texts += text + "\n";
    write_all(file("pairs.tsv"), tiny_pair_table());
    write_all(file("lines.txt"), texts);
    const Ended ended = attend({"train",         "search", "--data",          file("pairs.tsv"),
                                "--out",         model(),  "--layers",        "1",
                                "--heads",       "2",      "--dim",           "32",
                                "--context",     "16",     "--vocab",         "400",
                                "--batch",       "32",     "--steps",         "300",
                                "--lr",          "0.01",   "--warmup",        "20",
                                "--precision",   "f32",    "--dropout",       "0",
                                "--eval-every",  "100",    "--seed",          "11",
                                "--temperature", "0.05",   "--token-dropout", "0"});
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_NE(ended.out.find("  recall@1 "), std::string::npos) << ended.out;
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static std::string file(const std::string& name) { return (*shared / name).string(); }
  static std::string model() { return file("model"); }

 private:
  static inline TemporaryFolder* shared = nullptr;
};

TEST_F(Searching, FindsLinesOfAFileAndOfASavedIndex) {
  const auto [query, text] = tiny_pairs()[7];
  const Ended found =
      attend({"run", model(), "--index", file("lines.txt"), "--query", query, "--top-k", "3"});
  EXPECT_EQ(found.code, 0) << found.err;
  ASSERT_EQ(lines_of(found.out).size(), 3u);
  EXPECT_NE(lines_of(found.out)[0].find("\t8\t" + text), std::string::npos) << found.out;
  const Ended saved = attend({"run", model(), "--index", file("lines.txt"), "--save", file("lines.index")});
  EXPECT_EQ(saved.code, 0) << saved.err;
  EXPECT_NE(saved.err.find("256 lines, vectors of 32"), std::string::npos) << saved.err;
  const Ended again =
      attend({"run", model(), "--index", file("lines.index"), "--query", query, "--top-k", "3"});
  EXPECT_EQ(again.out, found.out);
  const Ended streamed = attend({"run", model(), "--index", file("lines.index"), "--top-k", "2", "--json"},
                                {.input = query + "\n" + tiny_pairs()[9].first + "\n"});
  ASSERT_EQ(lines_of(streamed.out).size(), 2u) << streamed.err;
  const auto object = nlohmann::json::parse(lines_of(streamed.out)[1]);
  EXPECT_EQ(object["found"][0]["line"], 10);
  EXPECT_EQ(object["found"][0]["text"], tiny_pairs()[9].second);
  EXPECT_EQ(object["found"].size(), 2u);
}

TEST_F(Searching, MeasuresAndTells) {
  const Ended text = attend({"eval", model(), "--data", file("pairs.tsv"), "--candidates", "50"});
  EXPECT_EQ(text.out.find("recall@1    "), 0u) << text.err;
  EXPECT_NE(text.out.find("queries     256, each with 50 candidates"), std::string::npos) << text.out;
  const auto object =
      nlohmann::json::parse(attend({"eval", model(), "--data", file("pairs.tsv"), "--json"}).out);
  EXPECT_GE(object["recall@10"], 0.95);
  EXPECT_EQ(object["candidates"], 256);
  EXPECT_NE(attend({"info", model()}).out.find("recall@10"), std::string::npos);
}

TEST_F(Searching, ShowsWhichWordsMadeThemAlike) {
  const auto [query, line] = tiny_pairs()[7];
  const Ended text = attend({"see", model(), query, line});
  EXPECT_EQ(text.out.find("similarity 0."), 0u) << text.out << text.err;
  EXPECT_NE(text.out.find("\n  " + query + "\n  " + line + "\n"), std::string::npos) << text.out;
  for (const char* name : {"see.html", "see.json"})
    EXPECT_EQ(attend({"see", model(), query, line, "--out", file(name)}).code, 0);
  EXPECT_EQ(nlohmann::json::parse(read_all(file("see.json")))["text"], query + "\n" + line);
  expect_refused({"see", model(), "a", "b", "--out", "x.png"}, ".html or .json");
}

TEST_F(Searching, BadInputIsNamedInOneLine) {
  expect_refused({"train", "search", "--out", file("none")}, "--data FILE [FILE] is needed");
  expect_refused({"train", "search", "--data", file("lines.txt"), "--out", file("none")}, "lines.txt");
  EXPECT_FALSE(fs::exists(file("none")));
  expect_refused({"run", model(), "--query", "a"}, "--index");
  expect_refused({"run", model(), "--index", file("nowhere"), "--query", "a"}, "nowhere");
  expect_refused({"run", model(), "--index", file("lines.txt")}, "line 2: the line is empty", "a\n\nb\n");
  expect_refused({"run", model(), "--index", file("lines.txt"), "--query", "a", "--top-k", "0"}, "--top-k");
  ASSERT_EQ(attend({"run", model(), "--index", file("lines.txt"), "--save", file("whole")}).code, 0);
  const std::string whole = read_all(file("whole"));
  write_all(file("cut"), whole.substr(0, whole.size() / 2));
  expect_refused({"run", model(), "--index", file("cut"), "--query", "a"}, "cut is no valid index");
  std::string damaged = whole;
  damaged[whole.size() / 2] = static_cast<char>(damaged[whole.size() / 2] ^ 1);
  write_all(file("damaged"), damaged);
  expect_refused({"run", model(), "--index", file("damaged"), "--query", "a"}, "its checksum does not fit");
  expect_refused({"run", model(), "--index", file("whole"), "--save", file("x"), "--query", "a"},
                 "is an index already");
  const std::string other = file("other");
  ASSERT_EQ(attend({"train",       "search", "--data",    file("pairs.tsv"),
                    "--out",       other,    "--preset",  "nano",
                    "--layers",    "1",      "--heads",   "2",
                    "--dim",       "32",     "--context", "16",
                    "--vocab",     "400",    "--steps",   "1",
                    "--precision", "f32"})
                .code,
            0);
  expect_refused({"run", other, "--index", file("whole"), "--query", "a"}, "made by another model");
}

}  // namespace
}  // namespace attend::test
