#include "attend/task/segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "attend/task/picture_segmenter.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_masks.h"
#include "support/watcher.h"
#include "task/segment/data.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using test::Watcher;

SegmentOptions tiny_options() {
  SegmentOptions options;
  options.model = {.width = 8, .levels = 2, .norm_groups = 4};
  options.batch = 8;
  options.steps = 80;
  options.evaluate_every = 20;
  options.learning_rate = 0.01;
  options.minimum_learning_rate = 1e-4;
  options.beta2 = 0.999;
  options.weight_decay = 0.01;
  options.warmup = 4;
  options.precision = "f32";
  options.seed = 3;
  return options;
}

SegmentConfig train(const SegmentJob& job, Watcher& watcher) {
  SegmentJob watched = job;
  watched.observer = &watcher;
  watched.stop = &watcher.stop;
  return train_segment(watched);
}

class Segment : public testing::Test {
 protected:
  Segment() { test::write_discs_and_squares(folder_ / "pictures", 20); }

  SegmentJob job(const std::string& out) const {
    SegmentJob job;
    job.data = folder_ / "pictures";
    job.out = folder_ / out;
    job.options = tiny_options();
    return job;
  }

  TemporaryFolder folder_;
};

TEST_F(Segment, InterruptedAndResumedGivesTheSameBits) {
  Watcher whole, first, second;
  SegmentJob once = job("whole");
  once.options.steps = 8;
  once.options.evaluate_every = 3;
  once.options.crop = 8;
  once.options.rotation = 10;
  once.options.jitter = 0.1;
  once.options.model.dropout = 0.2;
  once.options.model.norm = nn::FeatureNormKind::batch;
  const SegmentConfig expected = train(once, whole);
  EXPECT_EQ(expected.results->ended, "steps");
  SegmentJob parts = once;
  parts.out = folder_ / "parts";
  first.stop_after = 5;
  EXPECT_EQ(train(parts, first).results->ended, "interrupted");
  parts.resume = true;
  parts.data.clear();
  const SegmentConfig resumed = train(parts, second);
  EXPECT_EQ(second.updates, 3);
  EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
  EXPECT_TRUE(test::read_all(once.out / "model.safetensors") ==
              test::read_all(parts.out / "model.safetensors"));
}

TEST_F(Segment, AResumeMustFitWhatItBegan) {
  Watcher watcher;
  SegmentJob again = job("model");
  again.options.steps = 1;
  train(again, watcher);
  again.resume = true;
  // The size of the parts came from the data.
  again.options.steps = 2;
  EXPECT_EQ(train(again, watcher).training->crop, 16);
  SegmentJob other = again;
  other.options.flip = false;
  EXPECT_ERROR(train_segment(other), "flip false: the training in");
  other = again;
  other.options.model.gates = false;
  EXPECT_ERROR(train_segment(other), "begun with another model");
  test::write_discs_and_squares(folder_ / "others", 21);
  other = again;
  other.data = folder_ / "others";
  EXPECT_ERROR(train_segment(other), "other pictures than those");
  other.resume = false;
  EXPECT_ERROR(train_segment(other), "already holds a model");
}

TEST_F(Segment, TheAttentionOfTheWayDownIsSeen) {
  for (const std::int64_t blocks : {0, 2}) {
    Watcher watcher;
    SegmentJob once = job(std::to_string(blocks));
    once.options.steps = 1;
    once.options.model.blocks = blocks;
    once.options.model.block = nn::FeatureAttentionKind::cbam;
    train(once, watcher);
    const PictureSegmenter segmenter(once.out);
    const explain::PictureMaps maps = segmenter.see(test::disc_and_square(78, 16, 17).image);
    explain::check(maps);
    std::vector<std::string> names;
    for (const auto& map : maps.maps)
      if (map.name.starts_with("Block")) names.push_back(map.name);
    EXPECT_EQ(names, blocks == 0 ? (std::vector<std::string>{"Block 0 of level 0", "Block 0 of level 1"})
                                 : (std::vector<std::string>{"Block 0 of level 0", "Block 1 of level 0",
                                                             "Block 0 of level 1", "Block 1 of level 1"}));
  }
}

TEST_F(Segment, BadDataIsNamedAndNothingIsWritten) {
  const auto fails = [&](const fs::path& data, const char* part) {
    SegmentJob bad = job("bad");
    bad.data = data;
    EXPECT_ERROR(train_segment(bad), part);
    EXPECT_FALSE(fs::exists(bad.out));
  };
  fails("", "--data FOLDER is needed");
  fails(folder_ / "nothing", "nothing");
  std::ofstream(folder_ / "text.txt") << "text";
  fails(folder_ / "text.txt", "the subfolders images and masks");
  test::write_discs_and_squares(folder_ / "few", 2);
  fails(folder_ / "few", "2 pictures are too few");
  SegmentJob odd = job("bad");
  odd.options.crop = 7;
  EXPECT_ERROR(train_segment(odd), "crop 7: a multiple of 2 needed");
  odd = job("bad");
  odd.options.recompute = true;
  EXPECT_ERROR(train_segment(odd), "recompute true");
  // A class that has no name.
  std::ofstream(folder_ / "pictures" / "classes.txt") << "ground\ndisc\n";
  fails(folder_ / "pictures", "class 2 at row");
  fs::remove(folder_ / "pictures" / "classes.txt");
  std::ofstream(folder_ / "pictures" / "images" / "0.png") << "no picture";
  fails(folder_ / "pictures", "0.png");
  SegmentJob skipping = job("skipping");
  skipping.options.skip_bad = true;
  skipping.options.steps = 1;
  Watcher watcher;
  const SegmentConfig config = train(skipping, watcher);
  EXPECT_EQ(config.data->skipped, 1);
  EXPECT_EQ(config.classes, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_NE(watcher.said.find("1 that cannot be read skipped"), std::string::npos) << watcher.said;
}

TEST_F(Segment, BatchesAreCutFromPicturesOfAnySizeWithTheirMasks) {
  const SegmentData data = open_pairs(folder_ / "pictures", false);
  SegmentConfig config;
  config.model = {.channels = 1, .classes = 3};
  config.pixels = {.mean = {0.4F, 0, 0}, .deviation = {1, 1, 1}};
  SegmentOptions options = tiny_options();
  options.crop = 24;  // larger than the pictures
  const std::vector<std::int64_t> rows = {0, 3};
  const SegmentBatch batch = changed_scenes(data.pairs, rows, config, options, 5);
  EXPECT_EQ(batch.pictures.shape(), (Shape{2, 24, 24, 1}));
  const auto labels = batch.labels.to_vector<std::int32_t>();
  const auto values = batch.pictures.to_vector<float>();
  const auto known = [&](std::size_t picture) {
    return 576 - std::count(labels.begin() + static_cast<std::ptrdiff_t>(576 * picture),
                            labels.begin() + static_cast<std::ptrdiff_t>(576 * picture + 576), 255);
  };
  EXPECT_EQ(known(0), 16 * 16);
  EXPECT_EQ(known(1), 16 * 19);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    // Brightness tells the class, so the mask went where its picture did.
    const float value = (values[i] + 0.4F) * 255;
    const float least = labels[i] == 255 ? 101.9F : labels[i] == 0 ? 19 : labels[i] == 1 ? 119 : 189;
    EXPECT_GT(value, least) << labels[i];
    EXPECT_LT(value, labels[i] == 255 ? 102.1F : least + 52) << labels[i];
  }
  const SegmentBatch again = changed_scenes(data.pairs, rows, config, options, 5);
  EXPECT_EQ(again.pictures.to_vector<float>(), values);
  EXPECT_NE(changed_scenes(data.pairs, rows, config, options, 6).pictures.to_vector<float>(), values);
}

/// A model that has learned to tell discs and squares.
class TrainedPictureSegmenter : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    test::write_discs_and_squares(*shared / "pictures", 60);
    test::write_discs_and_squares(*shared / "unseen", 12, 500'000);
    SegmentJob job;
    job.data = *shared / "pictures";
    job.out = *shared / "model";
    job.options = tiny_options();
    train_segment(job);
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static fs::path file(const std::string& name) { return *shared / name; }

  static inline TemporaryFolder* shared = nullptr;
};

TEST_F(TrainedPictureSegmenter, SegmentsPicturesItHasNotSeen) {
  const PictureSegmenter segmenter(file("model"));
  EXPECT_EQ(segmenter.classes(), (std::vector<std::string>{"ground", "disc", "square"}));
  const SegmentEvaluation evaluation = segmenter.evaluate(file("unseen"));
  EXPECT_EQ(evaluation.pictures, 12);
  EXPECT_EQ(evaluation.score.pixels, 9 * 256 + 3 * 304);
  EXPECT_GT(evaluation.score.mean_iou, 0.9);
  EXPECT_LT(evaluation.loss, 0.3);
  const SegmentConfig config = read_segment_config(file("model"));
  EXPECT_GT(config.score->mean_iou, 0.9);
  EXPECT_NE(test::read_all(file("model") / "README.md").find("# A segmenter of pictures"), std::string::npos);
}

TEST_F(TrainedPictureSegmenter, TakesPicturesOfOtherSizesAndColours) {
  const PictureSegmenter segmenter(file("model"));
  const data::Scene scene = test::disc_and_square(77, 21, 17);
  const io::Image mask = segmenter.segment(io::with_channels(scene.image, 3));
  EXPECT_EQ(mask.height, 21);
  EXPECT_EQ(mask.width, 17);
  std::int64_t right = 0;
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) right += mask.pixels[i] == scene.mask->pixels[i];
  EXPECT_GT(right, 21 * 17 * 95 / 100);
}

TEST_F(TrainedPictureSegmenter, SeesItsGates) {
  const PictureSegmenter segmenter(file("model"));
  const data::Scene scene = test::disc_and_square(78, 16, 17);
  const explain::PictureMaps maps = segmenter.see(scene.image);
  explain::check(maps);
  ASSERT_EQ(maps.maps.size(), 3u);
  EXPECT_EQ(maps.maps[0].name, "Gate of level 0");
  EXPECT_EQ(maps.maps[0].width, 17);
  EXPECT_EQ(maps.maps[1].name, "disc");
  // The disc is where it is probable.
  for (std::size_t i = 0; i < scene.mask->pixels.size(); ++i)
    EXPECT_TRUE(maps.maps[1].values[i] < 0.99F || scene.mask->pixels[i] == 1) << i;
  EXPECT_NE(*std::ranges::max_element(maps.maps[0].values), *std::ranges::min_element(maps.maps[0].values));
}

}  // namespace
}  // namespace attend::task
