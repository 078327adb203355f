// The program with models that segment pictures.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "attend/io/image.h"
#include "attend/io/label_map.h"
#include "cli/expect_refused.h"
#include "support/tiny_masks.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// Pictures with masks and a model that has learned them, made once.
class SegmentingPictures : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    write_discs_and_squares(*shared / "pictures", 40);
    write_discs_and_squares(*shared / "unseen", 4, 500'000);
    trained = attend({"train",   "segment",     "--data", file("pictures"), "--out",    model(),   "--width",
                      "8",       "--levels",    "2",      "--norm-groups",  "4",        "--steps", "60",
                      "--batch", "8",           "--lr",   "0.01",           "--warmup", "4",       "--seed",
                      "3",       "--precision", "f32"});
    ASSERT_EQ(trained.code, 0) << trained.err;
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static std::string model() { return *shared / "model"; }
  static std::string file(const std::string& name) { return *shared / name; }

  static inline TemporaryFolder* shared = nullptr;
  static inline Ended trained;
};

TEST_F(SegmentingPictures, TrainAndInfoTellWhatWasLearned) {
  EXPECT_NE(trained.out.find("  mean IoU "), std::string::npos) << trained.out;
  EXPECT_NE(trained.err.find("3 classes; parts of 16 x 16, grey"), std::string::npos) << trained.err;
  const Ended info = attend({"info", model()});
  EXPECT_NE(info.out.find("task        segment"), std::string::npos) << info.out;
}

TEST_F(SegmentingPictures, RunWritesSharesMasksAndOverlays) {
  const Ended run = attend({"run", model(), file("unseen/images"), "--out", file("masks")});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 4);
  const auto first = nlohmann::json::parse(run.out.substr(0, run.out.find('\n')));
  double sum = 0;
  for (const auto& [name, share] : first["shares"].items()) sum += share.get<double>();
  EXPECT_NEAR(sum, 1, 1e-12);
  const io::Image mask = io::read_label_map(file("masks/3.png"));
  EXPECT_EQ(mask.width, 19);
  const auto squares = std::count(mask.pixels.begin(), mask.pixels.end(), 2);
  EXPECT_NEAR(static_cast<double>(squares), 25, 6);
  const auto last = nlohmann::json::parse(run.out.substr(run.out.rfind('\n', run.out.size() - 2) + 1));
  EXPECT_EQ(last["shares"]["square"], static_cast<double>(squares) / (16 * 19));
  EXPECT_EQ(last["mask"], file("masks/3.png"));
  EXPECT_EQ(io::read_image(last["overlay"].get<std::string>()).channels, 3);
}

TEST_F(SegmentingPictures, EvalMeasures) {
  const Ended json = attend({"eval", model(), "--data", file("unseen"), "--json"});
  ASSERT_EQ(json.code, 0) << json.err;
  const auto facts = nlohmann::json::parse(json.out);
  EXPECT_EQ(facts["task"], "segment");
  EXPECT_EQ(facts["pictures"], 4);
  EXPECT_GE(facts["mean_iou"], 0.8);
  EXPECT_EQ(facts["classes"][2]["class"], "square");
  EXPECT_EQ(facts["absent_classes"], 0);
  const Ended text = attend({"eval", model(), "--data", file("unseen")});
  EXPECT_NE(text.out.find("mean IoU"), std::string::npos) << text.out;
}

TEST_F(SegmentingPictures, SeeShowsTheGates) {
  const std::string picture = file("unseen/images/0.png");
  const Ended terminal = attend({"see", model(), picture});
  EXPECT_EQ(terminal.code, 0) << terminal.err;
  EXPECT_NE(terminal.out.find("Gate of level 0: "), std::string::npos) << terminal.out;
  for (const char* name : {"seen.png", "seen.html", "seen.json"})
    ASSERT_EQ(attend({"see", model(), picture, "--out", file(name)}).code, 0) << name;
  EXPECT_NE(read_all(file("seen.html")).find("Gate of level 0"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(read_all(file("seen.json")))["maps"][0]["name"], "Gate of level 0");
}

TEST_F(SegmentingPictures, WhatIsWrongIsOneLine) {
  expect_refused({"run", model(), file("nothing.png")}, "nothing.png");
  expect_refused({"run", model(), file("model")}, "no picture in this folder");
  expect_refused(
      {"run", model(), file("unseen/images"), file("pictures/images/0.png"), "--out", file("twice")},
      "would have the same mask");
  EXPECT_FALSE(fs::exists(file("twice")));
  expect_refused({"see", model(), file("unseen/images/0.png"), "--out", "x.gif"}, ".html, .png or .json");
  expect_refused({"eval", model(), "--data", file("unseen/images")}, "no folder images");
  expect_refused({"train", "segment", "--out", file("other")}, "--data FOLDER is needed");
  expect_refused({"train", "segment", "--data", file("pictures"), "--out", file("other"), "--crop", "3"},
                 "crop 3: a multiple of 8");
  EXPECT_FALSE(fs::exists(file("other")));
  write_all(file("text.png"), "no picture");
  const Ended skipping =
      attend({"run", model(), file("text.png"), file("unseen/images/0.png"), "--skip-bad"});
  EXPECT_EQ(skipping.code, 0);
  EXPECT_NE(skipping.err.find("1 picture that cannot be read skipped"), std::string::npos) << skipping.err;
}

}  // namespace
}  // namespace attend::test
