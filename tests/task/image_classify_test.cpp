#include "attend/task/image_classify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "attend/data/labelled_images.h"
#include "attend/io/idx.h"
#include "attend/task/picture_classifier.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_pictures.h"
#include "support/watcher.h"
#include "task/image_classify/evaluate.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using test::Watcher;

/// Of the kind "cnn", "vit", or "transformer": a cnn with a spatial transformer in front.
ImageClassifyOptions tiny_options(const std::string& kind) {
  ImageClassifyOptions options;
  options.model.kind = kind == "vit" ? "vit" : "cnn";
  options.model.cnn = {.width = 4, .stages = 2, .blocks = 1, .block = nn::FeatureAttentionKind::cbam};
  options.model.cnn.spatial_transformer = kind == "transformer";
  options.model.vit = {
      .patch = 2, .layers = 2, .heads = 2, .dim = 16, .positions = model::PatchPositions::sinusoidal};
  options.batch = 16;
  options.steps = kind == "vit" ? 200 : 60;
  options.evaluate_every = 20;
  options.learning_rate = 0.01;
  options.warmup = 4;
  options.crop_padding = 1;
  options.flip = false;
  options.precision = "f32";
  options.seed = 3;
  return options;
}

ImageClassifyConfig train(const ImageClassifyJob& job, Watcher& watcher) {
  ImageClassifyJob watched = job;
  watched.observer = &watcher;
  watched.stop = &watcher.stop;
  return train_image_classify(watched);
}

class ImageClassify : public testing::Test {
 protected:
  ImageClassify() { test::write_quarters(folder_ / "pictures", 30); }

  ImageClassifyJob job(const std::string& out, const std::string& kind = "cnn") const {
    ImageClassifyJob job;
    job.data = folder_ / "pictures";
    job.out = folder_ / out;
    job.options = tiny_options(kind);
    return job;
  }

  TemporaryFolder folder_;
};

TEST_F(ImageClassify, InterruptedAndResumedGivesTheSameBits) {
  for (const bool mixes : {false, true}) {
    Watcher whole, first, second;
    ImageClassifyJob once = job(mixes ? "whole mixed" : "whole");
    once.options.steps = 12;
    once.options.evaluate_every = 5;
    once.options.mixup = mixes ? 0.4 : 0;
    once.options.erasing = 0.5;
    once.options.rotation = 10;
    once.options.jitter = 0.1;
    const ImageClassifyConfig expected = train(once, whole);
    const std::string metrics = test::read_all(once.out / "metrics.jsonl");
    for (const char* name : {"pictures_per_second", "input_seconds", "input_wait_seconds"})
      EXPECT_NE(metrics.find(std::string("\"") + name + "\":"), std::string::npos) << metrics;
    EXPECT_EQ(expected.results->ended, "steps");
    ImageClassifyJob parts = once;
    parts.out = folder_ / (mixes ? "parts mixed" : "parts");
    first.stop_after = 8;
    EXPECT_EQ(train(parts, first).results->ended, "interrupted");
    parts.resume = true;
    parts.data.clear();
    const ImageClassifyConfig resumed = train(parts, second);
    EXPECT_EQ(second.updates, 4);
    EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
    EXPECT_TRUE(test::read_all(once.out / "model.safetensors") ==
                test::read_all(parts.out / "model.safetensors"));
  }
}

TEST_F(ImageClassify, AResumeMustFitWhatItBegan) {
  Watcher watcher;
  ImageClassifyJob again = job("model");
  again.options.steps = 2;
  train(again, watcher);
  again.resume = true;
  ImageClassifyJob other = again;
  other.options.flip = true;
  EXPECT_ERROR(train_image_classify(other), "flip true: the training in");
  other = again;
  other.options.model.cnn.width = 8;
  EXPECT_ERROR(train_image_classify(other), "begun with another model");
  test::write_quarters(folder_ / "others", 31);
  other = again;
  other.data = folder_ / "others";
  EXPECT_ERROR(train_image_classify(other), "other pictures than those");
  other.resume = false;
  EXPECT_ERROR(train_image_classify(other), "already holds a model");
}

TEST_F(ImageClassify, BadDataIsNamedAndNothingIsWritten) {
  const auto fails = [&](const fs::path& data, const char* part) {
    ImageClassifyJob bad = job("bad");
    bad.data = data;
    EXPECT_ERROR(train_image_classify(bad), part);
    EXPECT_FALSE(fs::exists(bad.out));
  };
  fails(folder_ / "nothing", "nothing");
  fails("", "--data FOLDER is needed");
  std::ofstream(folder_ / "text.txt") << "text";
  fails(folder_ / "text.txt", "a folder with a subfolder for each class");
  fs::create_directories(folder_ / "few" / "a");
  fs::create_directories(folder_ / "few" / "b");
  for (const char* name : {"a/1.png", "b/1.png"})
    test::write_png(folder_ / "few" / name, test::quarter_picture(0, 1));
  fails(folder_ / "few", "2 pictures are too few");
  ImageClassifyJob both = job("bad");
  both.options.mixup = both.options.cutmix = 1;
  EXPECT_ERROR(train_image_classify(both), "mixup and cutmix");
  std::ofstream(folder_ / "pictures" / "a" / "broken.png") << "no picture";
  fails(folder_ / "pictures", "broken.png");
  ImageClassifyJob skipping = job("skipping");
  skipping.options.skip_bad = true;
  skipping.options.steps = 1;
  Watcher watcher;
  EXPECT_EQ(train(skipping, watcher).data->skipped, 1);
  EXPECT_NE(watcher.said.find("1 that cannot be read skipped"), std::string::npos) << watcher.said;
}

TEST_F(ImageClassify, ReadsIdxFilesWithTheNamesBesideThem) {
  const fs::path idx = folder_ / "idx";
  fs::create_directories(idx);
  for (const char* part : {"train", "t10k"}) {
    const int count = std::string_view(part) == "train" ? 40 : 24;
    io::IdxArray pictures{.shape = {count, 8, 8}, .values = {}}, labels{.shape = {count}, .values = {}};
    for (int i = 0; i < count; ++i) {
      const auto image =
          test::quarter_picture(i % 4, static_cast<std::uint64_t>(i) + static_cast<std::uint64_t>(count));
      pictures.values.insert(pictures.values.end(), image.pixels.begin(), image.pixels.end());
      labels.values.push_back(static_cast<std::uint8_t>(i % 4));
    }
    const auto write = [&](const char* name, const io::IdxArray& array) {
      const std::vector<std::byte> bytes = io::encode_idx(array);
      io::write_file_atomically(idx / (std::string(part) + name),
                                {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    };
    write("-images-idx3-ubyte", pictures);
    write("-labels-idx1-ubyte", labels);
  }
  std::ofstream(idx / "classes.txt") << "north west\nnorth east\nsouth west\nsouth east\n";
  ImageClassifyJob once = job("model");
  once.data = once.validation = idx;
  once.options.steps = 1;
  Watcher watcher;
  const ImageClassifyConfig config = train(once, watcher);
  EXPECT_EQ(config.data->pictures, 40);
  EXPECT_EQ(config.data->validation_pictures, 24);
  EXPECT_EQ(config.classes[2], "south west");
  EXPECT_EQ(PictureClassifier(once.out).evaluate(idx).texts, 24);
}

TEST(ImageClassifyEvaluation, CountsTheFiveMostLikelyClasses) {
  const TemporaryFolder folder;
  for (int c = 0; c < 7; ++c) {
    fs::create_directories(folder / std::to_string(c));
    test::write_png(folder / (std::to_string(c) + "/x.png"), test::quarter_picture(0, 1));
  }
  const auto images = data::LabelledImages::from_folder(folder.path());
  // Every picture is said to be of class 6, then 5, 4 ...: 0 and 1 are not among the first five.
  std::vector<float> values;
  for (int picture = 0; picture < 7; ++picture)
    for (int c = 0; c < 7; ++c) values.push_back(std::log(static_cast<float>(c + 1) / 28));
  const ClassifyEvaluation evaluation = evaluation_of(values, images);
  EXPECT_EQ(evaluation.unit, "pictures");
  EXPECT_DOUBLE_EQ(evaluation.columns[0].top5.value(), 5.0 / 7);
  EXPECT_DOUBLE_EQ(evaluation.columns[0].score.accuracy, 1.0 / 7);
}

/// A model of each kind that has learned which quarter is bright.
class TrainedPictureClassifier : public testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    test::write_quarters(*shared / "pictures", 40);
    test::write_quarters(*shared / "unseen", 10, 500'000);
    for (const char* kind : {"cnn", "vit", "transformer"}) {
      ImageClassifyJob job;
      job.data = *shared / "pictures";
      job.out = *shared / kind;
      job.options = tiny_options(kind);
      train_image_classify(job);
    }
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static fs::path file(const std::string& name) { return *shared / name; }
  static PictureClassifier model() { return PictureClassifier(file(GetParam())); }

  static inline TemporaryFolder* shared = nullptr;
};

TEST_P(TrainedPictureClassifier, TellsPicturesItHasNotSeen) {
  const ClassifyEvaluation evaluation = model().evaluate(file("unseen"));
  EXPECT_EQ(evaluation.texts, 40);
  EXPECT_GE(evaluation.columns[0].score.accuracy, 0.95);
  EXPECT_EQ(evaluation.columns[0].top5, 1);
  EXPECT_EQ(evaluation.columns[0].labels, (std::vector<std::string>{"a", "b", "c", "d"}));
  const auto config = read_image_classify_config(file(GetParam()));
  EXPECT_GE(config.score->accuracy, 0.95);
  EXPECT_NE(test::read_all(file(GetParam()) / "README.md").find("# A classifier of pictures"),
            std::string::npos);
}

TEST_P(TrainedPictureClassifier, TakesPicturesOfOtherSizesAndColours) {
  const PictureClassifier classifier = model();
  io::Image large{.height = 32, .width = 24, .channels = 3};
  const io::Image small = test::quarter_picture(3, 77);
  for (int row = 0; row < 32; ++row)
    for (int column = 0; column < 24; ++column)
      for (int c = 0; c < 3; ++c)
        large.pixels.push_back(
            small.pixels.at(static_cast<std::size_t>(row) / 4 * 8 + static_cast<std::size_t>(column) / 3));
  const auto answers = classifier.classify(std::vector<io::Image>{small, large});
  for (const ClassAnswer& answer : answers) {
    EXPECT_EQ(answer.label, 3);
    double sum = 0;
    for (const double p : answer.probabilities) sum += p;
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST_P(TrainedPictureClassifier, SeesWhereItLooked) {
  const PictureClassifier classifier = model();
  const io::Image picture = test::quarter_picture(1, 99);
  const explain::PictureMaps maps = classifier.see(picture);
  EXPECT_EQ(maps.title.find("b, "), 0u) << maps.title;
  explain::check(maps);
  const auto named = [&](std::string_view name) {
    const auto found = std::ranges::find(maps.maps, name, &explain::PictureMap::name);
    EXPECT_NE(found, maps.maps.end()) << name;
    return *found;
  };
  const explain::PictureMap occlusion = named("Occlusion");
  // Hiding the bright quarter costs most.
  const auto most = std::ranges::max_element(occlusion.values) - occlusion.values.begin();
  EXPECT_LT(most / occlusion.width, occlusion.height / 2 + 1);
  EXPECT_GE(most % occlusion.width, occlusion.width / 2 - 1);
  if (std::string_view(GetParam()) == "transformer") {
    // Maps of features are drawn where the network read them.
    EXPECT_EQ(named("Grad-CAM").height, 8);
    EXPECT_EQ(named("Block 1").height, 8);
    const std::vector<float> read = named("Read").values;
    EXPECT_EQ(read.size(), 64u);
    for (const float value : read) EXPECT_TRUE(value == 0 || value == 1) << value;
    EXPECT_GE(std::ranges::count(read, 1.0F), 8);
  } else if (std::string_view(GetParam()) == "cnn") {
    EXPECT_EQ(named("Grad-CAM").height, 4);
    EXPECT_EQ(named("Block 0").height, 8);
    EXPECT_EQ(named("Block 1").height, 4);
  } else {
    EXPECT_EQ(named("Rollout").width, 4);
    EXPECT_EQ(named("Layer 1, head 1").height, 4);
  }
  // Looking changes nothing.
  EXPECT_EQ(classifier.classify(std::vector<io::Image>{picture})[0].probabilities,
            model().classify(std::vector<io::Image>{picture})[0].probabilities);
  EXPECT_ERROR(classifier.see(picture, 4), "class 4: this model has 4");
  EXPECT_EQ(classifier.see(picture, 2).title.find("c, "), 0u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, TrainedPictureClassifier, testing::Values("cnn", "vit", "transformer"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace attend::task
