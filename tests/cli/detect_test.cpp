// The program with models that find objects in pictures.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "attend/io/image.h"
#include "cli/expect_refused.h"
#include "support/tiny_detections.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// Pictures with objects, and models of both kinds that have hardly learnt from them, made once: what they
/// find is tested with the task.
class DetectingObjects : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    write_voc_scenes(*shared / "pictures", 10);
    write_list(*shared / "pictures/train.txt", 0, 6);
    write_list(*shared / "pictures/val.txt", 6, 10);
    const Words common = {"train",       "detect", "--data",   file("pictures"),
                          "--size",      "48",     "--width",  "8",
                          "--dim",       "32",     "--stages", "2",
                          "--levels",    "1",      "--steps",  "2",
                          "--precision", "f32",    "--batch",  "2"};
    const auto with = [&](Words more) {
      more.insert(more.begin(), common.begin(), common.end());
      return attend(more);
    };
    trained = with({"--out", model(), "--anchor-scale", "4", "--proposals", "10"});
    ASSERT_EQ(trained.code, 0) << trained.err;
    const Ended transformer = with({"--out", file("detr"), "--model", "detr", "--queries", "5"});
    ASSERT_EQ(transformer.code, 0) << transformer.err;
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

TEST_F(DetectingObjects, TrainAndInfoTellWhatWasLearned) {
  EXPECT_NE(trained.out.find("  mAP "), std::string::npos) << trained.out;
  EXPECT_NE(trained.err.find("6 with 9 objects to learn from, 4 for validation, 2 classes; seen in 48 x 48"),
            std::string::npos)
      << trained.err;
  const Ended info = attend({"info", file("detr")});
  EXPECT_NE(info.out.find("task        detect"), std::string::npos) << info.out;
}

TEST_F(DetectingObjects, RunWritesObjectsAndDrawings) {
  const Ended run =
      attend({"run", file("detr"), file("pictures/JPEGImages"), "--threshold", "0", "--out", file("drawn")});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 10);
  const auto first = nlohmann::json::parse(run.out.substr(0, run.out.find('\n')));
  EXPECT_EQ(first["picture"], file("pictures/JPEGImages/0.png"));
  EXPECT_EQ(first["width"], 48);
  ASSERT_FALSE(first["objects"].empty());
  double before = 1;
  for (const auto& object : first["objects"]) {
    const auto box = object["box"].get<std::vector<double>>();
    EXPECT_TRUE(0 <= box[0] && box[0] < box[2] && box[2] <= 48 && 0 <= box[1] && box[1] < box[3]) << object;
    EXPECT_TRUE(object["class"] == "disc" || object["class"] == "square");
    EXPECT_LE(object["score"], before);
    before = object["score"];
  }
  EXPECT_EQ(first["drawing"], file("drawn/0.png"));
  EXPECT_EQ(io::read_image(file("drawn/0.png")).channels, 3);
  const Ended none = attend({"run", file("detr"), file("pictures/JPEGImages/0.png"), "--threshold", "1"});
  EXPECT_NE(none.out.find("\"objects\":[]"), std::string::npos) << none.out;
}

TEST_F(DetectingObjects, AlertsTellWhenObjectsComeIntoARegion) {
  const Words run = {"run", file("detr"), file("pictures/JPEGImages"), "--threshold"};
  const auto lines_of = [&](const Words& more) {
    Words words = run;
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = attend(words);
    EXPECT_EQ(ended.code, 0) << ended.err;
    std::vector<nlohmann::json> lines;
    std::istringstream text(ended.out);
    for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  };
  // The best score of the middle picture as the threshold: the model finds something in half of them.
  std::vector<double> best;
  const auto all = lines_of({"0"});
  for (const auto& line : all) best.push_back(line["objects"][0]["score"]);
  std::ranges::sort(best);
  const std::string label = all[0]["objects"][0]["class"];
  const auto lines =
      lines_of({std::to_string(best[best.size() / 2]), "--alert", label + " in 0,0,0.9,1", "--alert", label});
  bool raised[2] = {};
  std::size_t changes = 0;
  for (std::size_t at = 0; at < lines.size();) {
    const auto& picture = lines[at++];
    ASSERT_TRUE(picture.contains("objects")) << picture;
    for (const int rule : {0, 1}) {
      bool appears = false;
      for (const auto& object : picture["objects"]) {
        const auto box = object["box"].get<std::vector<double>>();
        appears = appears || (object["class"] == label && (rule == 1 || (box[0] + box[2]) / 2 <= 0.9 * 48));
      }
      if (appears == raised[rule]) continue;
      raised[rule] = appears;
      ++changes;
      ASSERT_LT(at, lines.size());
      const auto& alert = lines[at++];
      EXPECT_EQ(alert["alert"], appears ? "raised" : "ended");
      EXPECT_EQ(alert["class"], label);
      EXPECT_EQ(alert["region"][2], rule == 0 ? 0.9 : 1.0);
      EXPECT_EQ(alert["picture"], picture["picture"]);
    }
  }
  EXPECT_GE(changes, 2U);
  expect_refused({"run", file("detr"), file("pictures/JPEGImages"), "--alert", "disc in 0,0"},
                 "is no region");
}

TEST_F(DetectingObjects, EvalMeasures) {
  const Ended json = attend({"eval", model(), "--data", file("pictures"), "--json"});
  ASSERT_EQ(json.code, 0) << json.err;
  const auto facts = nlohmann::json::parse(json.out);
  EXPECT_EQ(facts["task"], "detect");
  EXPECT_EQ(facts["pictures"], 4);
  EXPECT_EQ(facts["objects"], 6);
  EXPECT_GE(facts["ap50"], 0);
  EXPECT_TRUE(facts["ap_large"].is_null());
  EXPECT_EQ(facts["classes"][1]["class"], "square");
  const Ended text =
      attend({"eval", model(), "--data", file("pictures"), "--list", file("pictures/train.txt")});
  EXPECT_NE(text.out.find("6 pictures, 9 objects\nmAP, IoU 0.5 to 0.95"), std::string::npos) << text.out;
}

TEST_F(DetectingObjects, SeeShowsWhereTheModelLooked) {
  const std::string picture = file("pictures/JPEGImages/0.png");
  const Ended terminal = attend({"see", file("detr"), picture, "--threshold", "0"});
  EXPECT_EQ(terminal.code, 0) << terminal.err;
  EXPECT_NE(terminal.out.find("All queries: "), std::string::npos) << terminal.out;
  const auto written = [&](const std::string& folder, const std::string& name) {
    const Ended ended = attend({"see", folder, picture, "--threshold", "0", "--out", file(name)});
    EXPECT_EQ(ended.code, 0) << ended.err;
    return read_all(file(name));
  };
  EXPECT_NE(written(file("detr"), "seen.html").find("All queries"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(written(model(), "seen.json"))["maps"][0]["name"], "Proposals");
}

TEST_F(DetectingObjects, WhatIsWrongIsOneLine) {
  const std::string pictures = file("pictures/JPEGImages");
  expect_refused({"run", model(), file("nothing.png")}, "nothing.png");
  expect_refused({"run", model(), pictures, "--threshold", "2"}, "--threshold");
  expect_refused({"run", model(), pictures, pictures + "/0.png", "--out", file("twice")},
                 "would have the same drawing");
  EXPECT_FALSE(fs::exists(file("twice")));
  expect_refused({"see", model(), pictures + "/0.png", "--out", "x.gif"}, ".html, .png or .json");
  expect_refused({"eval", model(), "--data", pictures}, "Annotations");
  expect_refused({"train", "detect", "--out", file("other")}, "--data FOLDER or --data FILE.json is needed");
  expect_refused({"train", "detect", "--data", file("pictures"), "--out", file("other"), "--queries", "3"},
                 "options of --model detr");
  expect_refused({"train", "detect", "--data", file("pictures"), "--out", file("other"), "--preset", "detr",
                  "--proposals", "3"},
                 "options of --model two-stage");
  EXPECT_FALSE(fs::exists(file("other")));
}

}  // namespace
}  // namespace attend::test
