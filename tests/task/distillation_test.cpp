// Classifiers of pictures that learn from another one.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "attend/task/image_classify.h"
#include "attend/task/picture_classifier.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/sanitized.h"
#include "support/temporary_folder.h"
#include "support/tiny_classifier.h"
#include "support/tiny_pictures.h"
#include "support/watcher.h"
#include "task/image_classify/teacher.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::quarter_picture;

/// A teacher that knows which quarter is bright.
class Distillation : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new test::TemporaryFolder;
    test::write_quarters(file("pictures"), 40);
    test::write_quarters(file("unseen"), 10, 500'000);
    ImageClassifyJob job = test::tiny_classifier_job(file("pictures"), file("teacher"));
    job.options.model.cnn.block = nn::FeatureAttentionKind::cbam;
    train_image_classify(job);
    student = job;
    student.out = file("student");
    student.options.model.kind = "vit";
    student.options.model.vit = {.patch = 2,
                                 .layers = 2,
                                 .heads = 2,
                                 .dim = 16,
                                 .positions = model::PatchPositions::sinusoidal,
                                 .distillation = true};
    student.options.steps = 100;
    student.options.evaluate_every = student.options.steps;
    student.options.teacher = file("teacher").string();
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static fs::path file(const std::string& name) { return *shared / name; }

  static inline test::TemporaryFolder* shared = nullptr;
  static inline ImageClassifyJob student;
};

TEST_F(Distillation, WhatLabelsDoNotTellIsLearntFromTheTeacher) {
  ASSERT_GE(PictureClassifier(file("teacher")).evaluate(file("unseen")).columns[0].score.accuracy, 0.95);
  // Each class has pictures of every kind.
  const std::string names = "abcd";
  for (std::size_t label = 0; label < names.size(); ++label) {
    const fs::path folder = file("misplaced") / names.substr(label, 1);
    fs::create_directories(folder);
    for (int i = 0; i < 40; ++i)
      test::write_png(folder / (std::to_string(i) + ".png"),
                      quarter_picture(i % 4, 1000 * static_cast<int>(label) + i));
  }
  ImageClassifyJob job = student;
  job.data = file("misplaced");
  job.options.steps = job.options.evaluate_every = test::kSanitized ? 10 : 300;
  const ImageClassifyConfig config = train_image_classify(job);
  const PictureClassifier classifier(file("student"));
  const double accuracy = classifier.evaluate(file("unseen")).columns[0].score.accuracy;
  if (!test::kSanitized) {
    EXPECT_LT(config.score->macro_f1, 0.6);
    EXPECT_GE(accuracy, 0.9);
  }
  const explain::PictureMaps maps = classifier.see(quarter_picture(1, 99));
  explain::check(maps);
}

TEST_F(Distillation, InterruptedAndResumedGivesTheSameBits) {
  ImageClassifyJob whole = student, parts = student;
  whole.out = file("whole");
  parts.out = file("parts");
  whole.options.steps = parts.options.steps = 8;
  train_image_classify(whole);
  test::Watcher watcher;
  watcher.stop_after = 3;
  parts.observer = &watcher;
  parts.stop = &watcher.stop;
  EXPECT_EQ(train_image_classify(parts).results->ended, "interrupted");
  parts.observer = nullptr;
  parts.stop = nullptr;
  parts.resume = true;
  EXPECT_EQ(train_image_classify(parts).results->step, 8);
  EXPECT_TRUE(test::read_all(file("whole") / "model.safetensors") ==
              test::read_all(file("parts") / "model.safetensors"));
  EXPECT_EQ(read_image_classify_config(file("parts")).training->teacher, student.options.teacher);
}

TEST_F(Distillation, TheTeacherSeesPicturesAsItIsUsedTo) {
  const PictureClassifier classifier(file("teacher"));
  const data::PixelStatistics other{.mean = {0.9F, 0, 0}, .deviation = {0.1F, 1, 1}};
  const Teacher teacher(file("teacher"), classifier.config().model.pictures(), classifier.classes(), other);
  std::vector<float> pixels;
  std::vector<std::int64_t> expected;
  for (int i = 0; i < 12; ++i) {
    const io::Image picture = quarter_picture(i % 4, 700 + i);
    const auto values = data::normalised(picture, other).to_vector<float>();
    pixels.insert(pixels.end(), values.begin(), values.end());
    expected.push_back(classifier.classify(std::vector<io::Image>{picture})[0].label);
  }
  EXPECT_EQ(teacher.answers(Tensor::from(pixels, {12, 8, 8, 1}), DType::f32), expected);
}

TEST_F(Distillation, ATeacherThatDoesNotFitIsNamed) {
  const auto train = [](const std::function<void(ImageClassifyJob&)>& change) {
    ImageClassifyJob job = student;
    job.out = file("refused");
    change(job);
    train_image_classify(job);
  };
  EXPECT_ERROR(train([](auto& job) { job.options.teacher = file("missing").string(); }), "missing");
  EXPECT_ERROR(train([](auto& job) { job.options.size = 16; }),
               "it sees pictures of 8 x 8 with 1 channels, not of 16 x 16");
  EXPECT_ERROR(train([](auto& job) { job.options.teacher.clear(); }), "distillation: a teacher is needed");
  EXPECT_ERROR(train([](auto& job) { job.options.model.vit.distillation = false; }), "teacher: the token");
  EXPECT_ERROR(train([](auto& job) {
                 fs::rename(file("pictures") / "d", file("pictures") / "e");
                 job.data = file("pictures");
               }),
               "its classes are not those of the data");
  fs::rename(file("pictures") / "e", file("pictures") / "d");
  EXPECT_FALSE(fs::exists(file("refused")));
}

}  // namespace
}  // namespace attend::task
