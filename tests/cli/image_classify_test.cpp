// The program with models that classify pictures.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "attend/io/image.h"
#include "cli/expect_refused.h"
#include "support/tiny_masks.h"
#include "support/tiny_pictures.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// Pictures and a model that has learned their classes, made once.
class ClassifyingPictures : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    write_quarters(*shared / "pictures", 40);
    write_quarters(*shared / "unseen", 3, 500'000);
    trained = attend(training({"--out", model()}));
    ASSERT_EQ(trained.code, 0) << trained.err;
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static Words training(const Words& more) {
    Words words = {"train",     "image-classify",
                   "--data",    *shared / "pictures",
                   "--width",   "4",
                   "--stages",  "2",
                   "--blocks",  "1",
                   "--block",   "cbam",
                   "--steps",   "60",
                   "--batch",   "16",
                   "--lr",      "0.01",
                   "--warmup",  "4",
                   "--no-flip", "--crop-padding",
                   "1",         "--seed",
                   "3",         "--precision",
                   "f32"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static std::string model() { return *shared / "model"; }
  static std::string file(const std::string& name) { return *shared / name; }

  static inline TemporaryFolder* shared = nullptr;
  static inline Ended trained;
};

TEST_F(ClassifyingPictures, ClassifiersAndSegmentersStartFromOne) {
  const Ended other = attend({"train", "image-classify", "--data", file("unseen"), "--init", model(),
                              "--steps", "1", "--no-flip", "--precision", "f32", "--out", file("tuned")});
  ASSERT_EQ(other.code, 0) << other.err;
  const auto network =
      nlohmann::json::parse(attend({"info", file("tuned"), "--json"}).out)["model"]["network"];
  EXPECT_EQ(network["block"], "cbam");
  write_discs_and_squares(*shared / "masks", 20);
  const Ended segmenter = attend({"train", "segment", "--data", file("masks"), "--init", model(), "--steps",
                                  "1", "--precision", "f32", "--out", file("segmenter")});
  ASSERT_EQ(segmenter.code, 0) << segmenter.err;
  const auto unet = nlohmann::json::parse(attend({"info", file("segmenter"), "--json"}).out)["model"];
  EXPECT_EQ(unet["norm"], "batch");
  EXPECT_EQ(unet["levels"], 2);
  EXPECT_EQ(unet["block"], "cbam");
  expect_refused(
      {"train", "segment", "--data", file("masks"), "--init", model(), "--width", "8", "--out", file("none")},
      "width 8: the classifier to start from has 4");
  expect_refused(
      {"train", "segment", "--data", file("masks"), "--init", file("segmenter"), "--out", file("none")},
      "a model of the task 'segment'");
  EXPECT_FALSE(fs::exists(file("none")));
}

TEST_F(ClassifyingPictures, TrainAndInfoTellWhatWasLearned) {
  EXPECT_NE(trained.out.find("  accuracy "), std::string::npos) << trained.out;
  EXPECT_NE(trained.err.find("8 x 8, grey"), std::string::npos) << trained.err;
  const Ended info = attend({"info", model()});
  EXPECT_NE(info.out.find("task        image-classify"), std::string::npos) << info.out;
}

TEST_F(ClassifyingPictures, RunTellsTheClassOfFilesAndFolders) {
  const Ended one = attend({"run", model(), file("unseen/c/1.png")});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(one.out.find("c\t"), 0u) << one.out;
  const Ended folder = attend({"run", model(), file("unseen/b"), "--json"});
  const auto first = nlohmann::json::parse(folder.out.substr(0, folder.out.find('\n')));
  EXPECT_EQ(first["class"], "b");
  EXPECT_EQ(first["probabilities"].size(), 4u);
  EXPECT_EQ(std::count(folder.out.begin(), folder.out.end(), '\n'), 3);
}

TEST_F(ClassifyingPictures, FramesAreFollowedAndAlertsAreRaised) {
  const auto arrive = [](const std::string& from, const char* name) {
    fs::copy_file(file(from), file("frames") + "/" + name, fs::copy_options::overwrite_existing);
  };
  fs::create_directory(file("frames"));
  arrive("unseen/b/0.png", "0.png");
  Child child({"run", model(), "--follow", file("frames"), "--alert", "c", "--alert", "b frames=2"});
  ASSERT_TRUE(child.prints("frames/0.png\n")) << child.wait().err;
  write_all(file("frames/notes.txt"), "no picture");
  write_all(file("frames/1.png"), "no picture either");
  arrive("unseen/c/1.png", "2.png");
  EXPECT_TRUE(child.prints("ALERT\tc\t" + file("frames/2.png") + "\n"));
  arrive("unseen/b/1.png", "2.png");
  EXPECT_TRUE(child.prints("alert ended\tc\t" + file("frames/2.png") + "\n"));
  arrive("unseen/b/2.png", "3.png");
  EXPECT_TRUE(child.prints("ALERT\tb frames=2\t" + file("frames/3.png") + "\n"));
  child.send(SIGINT);
  const Ended ended = child.wait();
  EXPECT_EQ(ended.code, 130);
  EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 7) << ended.out;
  EXPECT_NE(ended.err.find("left out: cannot read " + file("frames/1.png")), std::string::npos) << ended.err;
  EXPECT_EQ(ended.err.find("notes.txt"), std::string::npos) << ended.err;
  expect_refused({"run", model(), "--follow", file("missing")}, "missing: No such file");
  expect_refused({"run", model()}, "FILE, FOLDER or --follow FOLDER is needed");
  expect_refused({"run", model(), file("unseen/b"), "--alert", "c in 0,0,1,0.5"}, "leave out the region");
  expect_refused({"run", model(), file("unseen/b"), "--alert", "x"}, "is none of the classes a, b, c, d");
}

TEST_F(ClassifyingPictures, EvalMeasures) {
  const Ended json =
      attend({"eval", model(), "--data", file("unseen"), "--json", "--out", file("page.html")});
  ASSERT_EQ(json.code, 0) << json.err;
  const auto facts = nlohmann::json::parse(json.out);
  EXPECT_EQ(facts["task"], "image-classify");
  EXPECT_EQ(facts["pictures"], 12);
  EXPECT_GE(facts["columns"][0]["accuracy"], 0.9);
  EXPECT_EQ(facts["columns"][0]["top5"], 1.0);
  EXPECT_NE(read_all(file("page.html")).find("<th>pictures</th>"), std::string::npos);
  EXPECT_NE(attend({"eval", model(), "--data", file("unseen")}).out.find("12 pictures"), std::string::npos);
}

TEST_F(ClassifyingPictures, SeeDrawsWhatCounted) {
  const std::string picture = file("unseen/a/0.png");
  const Ended terminal = attend({"see", model(), picture});
  EXPECT_EQ(terminal.code, 0) << terminal.err;
  EXPECT_NE(terminal.out.find("Grad-CAM: "), std::string::npos) << terminal.out;
  for (const char* name : {"seen.png", "seen.html", "seen.json"})
    ASSERT_EQ(attend({"see", model(), picture, "--out", file(name)}).code, 0) << name;
  EXPECT_GT(io::read_image(file("seen.png")).width, 224);
  EXPECT_NE(read_all(file("seen.html")).find("Occlusion"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(read_all(file("seen.json")))["maps"][0]["name"], "Grad-CAM");
  EXPECT_EQ(nlohmann::json::parse(
                attend({"see", model(), picture, "--class", "d", "--out", file("d.json")}).code == 0
                    ? read_all(file("d.json"))
                    : "{}")["title"]
                .get<std::string>()
                .find("d, "),
            0u);
}

TEST_F(ClassifyingPictures, WhatIsWrongIsOneLine) {
  expect_refused({"run", model(), file("nothing.png")}, "nothing.png");
  expect_refused({"run", model(), file("model")}, "no picture in this folder");
  write_all(file("text.png"), "no picture");
  expect_refused({"run", model(), file("text.png")}, "text.png");
  expect_refused({"see", model(), file("unseen/a/0.png"), "--class", "z"},
                 "--class 'z': this model has 'a', 'b', 'c', 'd'");
  expect_refused({"see", model(), file("unseen/a/0.png"), "--out", "x.gif"}, ".html, .png or .json");
  expect_refused({"eval", model(), "--data", file("unseen"), "--out", "x.txt"}, ".html");
  expect_refused({"train", "image-classify", "--out", file("other")}, "--data FOLDER is needed");
  const Ended skipping = attend({"run", model(), file("text.png"), file("unseen/a/0.png"), "--skip-bad"});
  EXPECT_EQ(skipping.code, 0);
  EXPECT_NE(skipping.err.find("1 picture that cannot be read skipped"), std::string::npos) << skipping.err;
}

}  // namespace
}  // namespace attend::test
