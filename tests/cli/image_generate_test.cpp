// The program with models that make pictures.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "attend/io/image.h"
#include "cli/expect_refused.h"
#include "support/tiny_pictures.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// Pictures, and a model of each kind that has hardly seen them, made once.
class GeneratingPictures : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    write_quarters(*shared / "pictures", 12);
    vae = attend(training({"--out", file("vae")}));
    ASSERT_EQ(vae.code, 0) << vae.err;
    gan = attend(training({"--out", file("gan"), "--model", "gan", "--no-conditional", "--block", "none"}));
    ASSERT_EQ(gan.code, 0) << gan.err;
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static Words training(const Words& more) {
    Words words = {"train",
                   "image-generate",
                   "--data",
                   *shared / "pictures",
                   "--channels",
                   "4",
                   "--latent",
                   "4",
                   "--steps",
                   "6",
                   "--batch",
                   "8",
                   "--seed",
                   "3",
                   "--precision",
                   "f32",
                   "--discriminator-channels",
                   "4"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static std::string file(const std::string& name) { return *shared / name; }

  static inline TemporaryFolder* shared = nullptr;
  static inline Ended vae, gan;
};

TEST_F(GeneratingPictures, TrainAndInfoTellWhatWasLearned) {
  EXPECT_NE(vae.out.find("validation loss"), std::string::npos) << vae.out;
  EXPECT_NE(vae.err.find("8 x 8, grey"), std::string::npos) << vae.err;
  EXPECT_EQ(gan.out.find("validation loss"), std::string::npos) << gan.out;
  const Ended info = attend({"info", file("gan")});
  EXPECT_NE(info.out.find("task        image-generate"), std::string::npos) << info.out;
}

TEST_F(GeneratingPictures, RunWritesAGridAndSinglePictures) {
  ASSERT_EQ(attend({"run", file("vae"), "--count", "3", "--out", file("grid.png"), "--singles",
                    file("singles"), "--precision", "f32"})
                .code,
            0);
  const io::Image grid = io::read_image(file("grid.png"));
  EXPECT_EQ(grid.height, 4 * 10 - 2);
  EXPECT_EQ(grid.width, 3 * 10 - 2);
  EXPECT_EQ(io::read_image(file("singles/3-2.png")).width, 8);
  ASSERT_EQ(attend({"run", file("vae"), "--class", "d", "--count", "3", "--singles", file("of d"),
                    "--precision", "f32"})
                .code,
            0);
  EXPECT_EQ(io::read_image(file("of d/3-2.png")), io::read_image(file("singles/3-2.png")));
  ASSERT_EQ(attend({"run", file("gan"), "--count", "2", "--out", file("any.png")}).code, 0);
  EXPECT_EQ(io::read_image(file("any.png")).height, 8);
}

TEST_F(GeneratingPictures, EvalMeasures) {
  const Ended classifier =
      attend({"train", "image-classify", "--data", file("pictures"), "--out", file("classifier"), "--width",
              "4", "--stages", "2", "--blocks", "1", "--steps", "3", "--batch", "8", "--precision", "f32"});
  ASSERT_EQ(classifier.code, 0) << classifier.err;
  const Words words = {"eval", file("vae"), "--data", file("pictures"), "--classifier", file("classifier")};
  Words json = words;
  json.emplace_back("--json");
  const Ended measured = attend(json);
  ASSERT_EQ(measured.code, 0) << measured.err;
  const auto facts = nlohmann::json::parse(measured.out);
  EXPECT_EQ(facts["samples"], 24);
  EXPECT_TRUE(facts["frechet_distance"]["baseline"].is_number());
  EXPECT_NE(attend(words).out.find("Frechet distance to 24 real pictures"), std::string::npos);
  json[1] = file("gan");
  EXPECT_TRUE(nlohmann::json::parse(attend(json).out)["recognised"].is_null());
  json.insert(json.end(), {"--count", "5"});
  expect_refused(json, "a covariance of 8 features");
}

TEST_F(GeneratingPictures, SeeDrawsTheAttentionOfTheGenerator) {
  const Ended terminal = attend({"see", file("vae")});
  EXPECT_EQ(terminal.code, 0) << terminal.err;
  EXPECT_NE(terminal.out.find("Attention: "), std::string::npos) << terminal.out;
  for (const char* name : {"seen.png", "seen.html", "seen.json"})
    ASSERT_EQ(attend({"see", file("vae"), "--class", "c", "--out", file(name)}).code, 0) << name;
  EXPECT_EQ(nlohmann::json::parse(read_all(file("seen.json")))["title"], "c, seed 1");
  EXPECT_NE(read_all(file("seen.html")).find("From the middle"), std::string::npos);
}

TEST_F(GeneratingPictures, WhatIsWrongIsOneLine) {
  expect_refused({"run", file("vae")}, "--out FILE.png or --singles DIR is needed");
  expect_refused({"run", file("vae"), "--out", file("x.gif")}, "ends in .png");
  expect_refused({"run", file("vae"), "--class", "z", "--out", file("x.png")},
                 "--class 'z': this model has 'a', 'b', 'c', 'd'");
  expect_refused({"run", file("gan"), "--class", "a", "--out", file("x.png")}, "trained without classes");
  expect_refused({"see", file("gan")}, "no attention over places to be seen: its block is none");
  expect_refused({"see", file("vae"), "--out", "x.gif"}, ".html, .png or .json");
  expect_refused({"train", "image-generate", "--out", file("other")}, "--data FOLDER is needed");
  expect_refused({"train", "image-generate", "--out", file("vae"), "--resume", "--model", "gan"},
                 "begun with another model");
  expect_refused({"eval", file("vae"), "--data", file("pictures"), "--classifier", file("vae")},
                 "image-generate");
}

}  // namespace
}  // namespace attend::test
