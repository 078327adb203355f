// The program with agents that converse.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/child.h"
#include "support/tiny_pairs.h"

namespace attend::test {
namespace {

TEST(Conversing, LearnsRepliesAndTellsWhatItUsed) {
  const TemporaryFolder folder;
  const auto file = [&](const std::string& name) { return (folder / name).string(); };
  const auto pairs = tiny_pairs();
  write_all(file("pairs.tsv"), tiny_pair_table(7, 240));
  write_all(file("manual.txt"), pairs[250].second + "\n\nfan gan the day\n");
  const std::string agent = file("agent");
  const Ended trained = attend({"train",       "converse",
                                "--data",      file("pairs.tsv"),
                                "--documents", file("manual.txt"),
                                "--out",       agent,
                                "--preset",    "nano",
                                "--layers",    "1",
                                "--heads",     "2",
                                "--dim",       "32",
                                "--context",   "16",
                                "--vocab",     "400",
                                "--batch",     "32",
                                "--steps",     "300",
                                "--lr",        "0.01",
                                "--warmup",    "20",
                                "--dropout",   "0",
                                "--seed",      "11",
                                "--precision", "f32"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.out.find("  240 answers, 2 paragraphs\n"), std::string::npos) << trained.out;
  const Ended talk =
      attend({"run", agent, "--top-k", "2"}, {.input = pairs[7].first + "\n\n" + pairs[250].first + "\n"});
  EXPECT_EQ(talk.out.find(pairs[7].second + "\n  used "), 0u) << talk.out << talk.err;
  EXPECT_NE(talk.out.find("\n" + pairs[250].second + "\n  used "), std::string::npos) << talk.out;
  EXPECT_NE(talk.out.find("manual.txt"), std::string::npos) << talk.out;
  const auto object = nlohmann::json::parse(attend({"run", agent, pairs[7].first, "--json"}).out);
  EXPECT_EQ(object["reply"], pairs[7].second);
  EXPECT_EQ(object["sources"].size(), 3u);
  const auto facts =
      nlohmann::json::parse(attend({"eval", agent, "--data", file("pairs.tsv"), "--json"}).out);
  EXPECT_GE(facts["recall@10"], 0.9);
  EXPECT_GE(facts["rouge1"], 0.8);
  EXPECT_EQ(attend({"see", agent, pairs[7].first}).out.find("similarity 0."), 0u);
  EXPECT_NE(attend({"info", agent}).out.find("answers 240"), std::string::npos);
  const Ended refused = attend({"run", agent, "a", "--generate"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("has no generator"), std::string::npos) << refused.err;
  const Ended missing = attend({"train", "converse", "--out", file("none")});
  EXPECT_EQ(missing.code, 2);
  EXPECT_EQ(std::ranges::count(missing.err, '\n'), 1) << missing.err;
}

}  // namespace
}  // namespace attend::test
