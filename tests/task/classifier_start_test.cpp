// Networks of pictures that start with the layers of a classifier.

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "attend/model/weights.h"
#include "attend/task/picture_classifier.h"
#include "attend/task/segment.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_classifier.h"
#include "support/tiny_masks.h"
#include "support/tiny_pictures.h"
#include "support/watcher.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;

/// Classifiers of quarters, made once, and pictures to segment.
class ClassifierStart : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new test::TemporaryFolder;
    test::write_quarters(file("quarters"), 10);
    test::write_quarters(file("three"), 10);
    fs::remove_all(file("three") / "d");
    test::write_discs_and_squares(file("masks"), 20);
    for (const char* kind : {"cnn", "vit"}) {
      ImageClassifyJob job = test::tiny_classifier_job(file("quarters"), file(kind));
      job.options.model.kind = kind;
      job.options.steps = 5;
      train_image_classify(job);
    }
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static fs::path file(const std::string& name) { return *shared / name; }

  static ImageClassifyJob classifier_job(const std::string& kind, const std::string& out) {
    ImageClassifyJob job = test::tiny_classifier_job(file("three"), file(out));
    start_from(job.options, file(kind));
    make_still(job.options);
    return job;
  }

  /// One update by next to nothing.
  static void make_still(TrainingOptions& options) {
    options.steps = 1;
    options.warmup = 0;
    options.learning_rate = options.minimum_learning_rate = 1e-9;
    options.weight_decay = 0;
  }

  static SegmentJob segment_job(const std::string& out) {
    SegmentJob job;
    job.data = file("masks");
    job.out = file(out);
    start_from(job.options, file("cnn"));
    job.options.batch = 4;
    make_still(job.options);
    job.options.precision = "f32";
    return job;
  }

  static inline test::TemporaryFolder* shared = nullptr;
};

TEST_F(ClassifierStart, OptionsAreThoseOfTheClassifier) {
  SegmentOptions options;
  options.model.gates = false;
  options.model.dropout = 0.3;
  start_from(options, file("cnn"));
  EXPECT_EQ(options.init, file("cnn").string());
  const model::UNetConfig expected{.width = 4,
                                   .levels = 2,
                                   .blocks = 1,
                                   .norm = nn::FeatureNormKind::batch,
                                   .gates = false,
                                   .dropout = 0.3};
  EXPECT_EQ(options.model, expected);
  EXPECT_ERROR(start_from(options, file("vit")), "a classifier of the kind vit; one with a residual network");
  EXPECT_ERROR(start_from(options, file("nothing")), "nothing");
  ImageClassifyOptions other;
  other.model.vit.dropout = 0.3;
  start_from(other, file("vit"));
  EXPECT_EQ(other.init, file("vit").string());
  EXPECT_EQ(other.size, 8);
  model::ImageClassifierConfig same = read_image_classify_config(file("vit")).model;
  same.vit.dropout = 0.3;
  EXPECT_EQ(other.model, same);
}

using Weights = std::map<std::string, std::vector<float>>;

/// Of what is trained.
Weights weights_of(const nn::Module& module) {
  Weights weights;
  for (const auto& parameter : module.parameters())
    if (parameter.trainable) weights[parameter.name] = parameter.tensor.to_vector<float>();
  return weights;
}

void expect_near(const std::vector<float>& found, const std::vector<float>& expected,
                 const std::string& name) {
  ASSERT_EQ(found.size(), expected.size()) << name;
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-7) << name;
}

TEST_F(ClassifierStart, ASegmenterBeginsWithItsWeightsAndPixels) {
  const SegmentConfig config = train_segment(segment_job("segmenter"));
  const PictureClassifier classifier(file("cnn"));
  EXPECT_EQ(config.pixels, classifier.config().pixels);
  model::UNet network(config.model);
  model::load_parameters(network, file("segmenter") / "model.safetensors");
  const Weights own = weights_of(network);
  int compared = 0;
  for (const auto& [theirs, expected] : weights_of(classifier.model())) {
    const std::string name = theirs.starts_with("stages.") ? "down." + theirs.substr(7)
                             : theirs.starts_with("stem.") ? "down.0." + theirs
                                                           : "";
    if (name.empty()) continue;
    expect_near(own.at(name), expected, name);
    ++compared;
  }
  EXPECT_EQ(compared, 1 + 2 * 6 + 1);
  EXPECT_NE(
      test::read_all(file("segmenter") / "README.md").find("the classifier in `" + file("cnn").string()),
      std::string::npos);
}

TEST_F(ClassifierStart, AnotherClassifierBeginsWithAllButItsLastLayer) {
  for (const std::string kind : {"cnn", "vit"}) {
    const ImageClassifyConfig config = train_image_classify(classifier_job(kind, "other-" + kind));
    EXPECT_EQ(config.classes, (std::vector<std::string>{"a", "b", "c"}));
    const PictureClassifier before(file(kind)), after(file("other-" + kind));
    EXPECT_EQ(config.pixels, before.config().pixels);
    const Weights own = weights_of(after.model());
    std::set<std::string> others;
    for (const auto& [name, expected] : weights_of(before.model())) {
      if (own.at(name).size() == expected.size()) {
        expect_near(own.at(name), expected, name);
      } else {
        others.insert(name);
      }
    }
    EXPECT_EQ(others, (std::set<std::string>{"head.bias", "head.weight"})) << kind;
    EXPECT_NE(test::read_all(file("other-" + kind) / "README.md").find("the classifier in `"),
              std::string::npos);
  }
}

TEST_F(ClassifierStart, AResumeDoesNotStartAgain) {
  fs::copy(file("cnn"), file("passing"), fs::copy_options::recursive);
  SegmentJob whole = segment_job("whole"), parts = segment_job("parts");
  for (SegmentJob* job : {&whole, &parts}) {
    job->options.init = file("passing").string();
    job->options.steps = 6;
    job->options.evaluate_every = 2;
    job->options.learning_rate = 0.01;
  }
  train_segment(whole);
  test::Watcher watcher;
  watcher.stop_after = 3;
  parts.observer = &watcher;
  parts.stop = &watcher.stop;
  EXPECT_EQ(train_segment(parts).results->ended, "interrupted");
  fs::remove_all(file("passing"));
  parts.observer = nullptr;
  parts.stop = nullptr;
  parts.resume = true;
  train_segment(parts);
  EXPECT_TRUE(test::read_all(whole.out / "model.safetensors") ==
              test::read_all(parts.out / "model.safetensors"));
  SegmentJob other = parts;
  other.options.init = file("cnn").string();
  EXPECT_ERROR(train_segment(other), "init " + file("cnn").string() + ": the training in");
}

TEST_F(ClassifierStart, WhatDoesNotFitIsSaidBeforeAnythingIsWritten) {
  const auto fails = [&](const std::string& part, auto change) {
    SegmentJob job = segment_job("misfit");
    change(job.options);
    EXPECT_ERROR(train_segment(job), part);
    EXPECT_FALSE(fs::exists(job.out));
  };
  fails("width 8: the classifier to start from has 4", [](SegmentOptions& o) { o.model.width = 8; });
  fails("nothing", [](SegmentOptions& o) { o.init = file("nothing").string(); });
  fails("a classifier of the kind vit", [](SegmentOptions& o) { o.init = file("vit").string(); });
  const auto refuses = [&](const std::string& part, auto change) {
    ImageClassifyJob job = classifier_job("vit", "misfit");
    change(job.options);
    EXPECT_ERROR(train_image_classify(job), part);
    EXPECT_FALSE(fs::exists(job.out));
  };
  refuses("kind \"cnn\": the classifier to start from has \"vit\"",
          [](ImageClassifyOptions& o) { o.model.kind = "cnn"; });
  refuses("layers 2: the classifier to start from has 1",
          [](ImageClassifyOptions& o) { o.model.vit.layers = 2; });
  refuses("height 4: the classifier to start from has 8", [](ImageClassifyOptions& o) { o.size = 4; });
  fails("of the task",
        [](SegmentOptions& o) { o.init = (train_segment(segment_job("s")), file("s")).string(); });
}

}  // namespace
}  // namespace attend::task
