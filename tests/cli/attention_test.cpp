// `attend train generate --attention NAME` and what follows from it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/tiny_model.h"
#include "support/sanitized.h"

namespace attend::test {
namespace {

using nlohmann::json;

class Attention : public TinyModel {
 protected:
  std::string out(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
};

/// Those of each way to compute and to decode, and of each kind of learned tensor.
const std::vector<std::string> kNames = {"scaled_dot",    "additive",      "t5",         "shaw",
                                         "adaptive_span", "big_bird",      "entmax15",   "gumbel",
                                         "reinforce",     "talking_heads", "kernelised", "performer",
                                         "head_pool",     "adaptive_heads"};

TEST_F(Attention, EachMechanismIsTrainedNamedAndUsed) {
  for (const std::string& name : kNames) {
    SCOPED_TRACE(name);
    const Ended trained = attend(train_tiny(text(), out(name), {"--attention", name, "--steps", "4"}));
    ASSERT_EQ(trained.code, 0) << trained.err;
    const json facts = json::parse(attend({"info", out(name), "--json"}).out);
    EXPECT_EQ(facts["model"]["attention"], name);
    EXPECT_NE(read_all(folder_ / name / "README.md").find("| Attention | `" + name + "` |"),
              std::string::npos);
    // More tokens than the context, so that its first half is forgotten on the way.
    const Words run = {"run", out(name), "--prompt", "the", "--tokens", "40"};
    const Ended ran = attend(run);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_GT(ran.out.size(), 40u);
    const Ended evaluated = attend({"eval", out(name), "--data", text().string(), "--json"});
    ASSERT_EQ(evaluated.code, 0) << evaluated.err;
    EXPECT_TRUE(std::isfinite(json::parse(evaluated.out)["loss"].get<double>()));
    const Ended seen = attend({"see", out(name), "the cat", "--out", out(name + ".json")});
    ASSERT_EQ(seen.code, 0) << seen.err;
    EXPECT_EQ(json::parse(read_all(folder_ / (name + ".json")))["shape"], json({2, 2, 7, 7}));
    // Sanitizers, under which a program takes long to begin, have seen the model by now.
    if (kSanitized) continue;
    EXPECT_EQ(attend(run).out, ran.out);
    EXPECT_NE(attend({"info", out(name)}).out.find("attention   " + name + "\n"), std::string::npos);
    const Ended drawn = attend({"see", out(name), "the cat", "--out", out(name + ".html")});
    EXPECT_EQ(drawn.code, 0) << drawn.err;
  }
}

TEST_F(Attention, AnUnknownNameIsOneLine) {
  const Ended ended = attend(train_tiny(text(), out("new"), {"--attention", "scaled-dot"}));
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
  EXPECT_NE(ended.err.find("unknown attention 'scaled-dot'"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("did you mean scaled_dot?"), std::string::npos) << ended.err;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new"));
}

TEST_F(Attention, AnUnknownNameInAFileIsOneLine) {
  std::filesystem::copy(model(), folder_ / "model", std::filesystem::copy_options::recursive);
  json config = json::parse(read_all(folder_ / "model" / "config.json"));
  EXPECT_EQ(config["model"]["attention"], "scaled_dot");
  config["model"]["attention"] = "none\nof these";
  write_all(folder_ / "model" / "config.json", config.dump());
  const Ended ended = attend({"run", out("model"), "--prompt", "the"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
  EXPECT_NE(ended.err.find("attention"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("scaled_dot"), std::string::npos) << ended.err;
}

TEST_F(Attention, AResumedTrainingKeepsItsMechanism) {
  const Words first = train_tiny(text(), out("model"), {"--attention", "sparsemax", "--steps", "3"});
  ASSERT_EQ(attend(first).code, 0);
  const Ended other = attend(train_tiny(text(), out("model"), {"--attention", "scaled_dot", "--steps", "6"}) +
                             Words{"--resume"});
  EXPECT_EQ(other.code, 2);
  EXPECT_NE(other.err.find("begun with another model"), std::string::npos) << other.err;
  const Ended same = attend({"train", "generate", "--out", out("model"), "--resume", "--steps", "6"});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_EQ(json::parse(attend({"info", out("model"), "--json"}).out)["model"]["attention"], "sparsemax");
}

}  // namespace
}  // namespace attend::test
