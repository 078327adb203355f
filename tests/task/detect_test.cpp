#include "attend/task/detect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "attend/base/parallel.h"
#include "attend/model/detection_transformer.h"
#include "attend/task/object_detector.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_detections.h"
#include "support/watcher.h"
#include "task/detect/data.h"
#include "task/picture_attention.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using test::Watcher;

DetectOptions tiny_options(const std::string& kind = "two_stage") {
  DetectOptions options;
  options.model.kind = kind;
  options.model.two_stage = {.pyramid = {.width = 8, .stages = 2, .levels = 2, .dim = 32},
                             .anchor_scale = 2,
                             .proposal_candidates = 50,
                             .proposals = 20,
                             .proposal_samples = 32,
                             .roi_samples = 16,
                             .roi_size = 5};
  options.model.transformer = {.pyramid = {.width = 8, .stages = 2, .levels = 1, .dim = 32},
                               .queries = 8,
                               .groups = 2,
                               .decoder_layers = 2};
  options.size = 48;
  options.batch = 4;
  options.steps = 3;
  options.evaluate_every = 0;
  options.learning_rate = 3e-3;
  options.minimum_learning_rate = 1e-4;
  options.beta2 = 0.999;
  options.weight_decay = 0;
  options.warmup = 10;
  options.precision = "f32";
  options.seed = 3;
  return options;
}

DetectConfig train(const DetectJob& job, Watcher& watcher) {
  DetectJob watched = job;
  watched.observer = &watcher;
  watched.stop = &watcher.stop;
  return train_detect(watched);
}

class Detect : public testing::Test {
 protected:
  Detect() { test::write_voc_scenes(folder_ / "pictures", 20); }

  DetectJob job(const std::string& out, const std::string& kind = "two_stage") const {
    DetectJob job;
    job.data.path = folder_ / "pictures";
    job.out = folder_ / out;
    job.options = tiny_options(kind);
    return job;
  }

  TemporaryFolder folder_;
};

class EveryDetector : public Detect, public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Kinds, EveryDetector, testing::Values("two_stage", "detr"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(EveryDetector, InterruptedAndResumedGivesTheSameBits) {
  Watcher whole, first, second;
  DetectJob once = job("whole", GetParam());
  once.options.steps = 6;
  once.options.evaluate_every = 3;
  once.options.rotation = 5;
  once.options.jitter = 0.1;
  once.options.model.two_stage.dropout = once.options.model.transformer.dropout = 0.1;
  const DetectConfig expected = train(once, whole);
  EXPECT_EQ(expected.results->ended, "steps");
  DetectJob parts = once;
  parts.out = folder_ / "parts";
  first.stop_after = 4;
  EXPECT_EQ(train(parts, first).results->ended, "interrupted");
  parts.resume = true;
  parts.data = {};
  const DetectConfig resumed = train(parts, second);
  EXPECT_EQ(second.updates, 2);
  EXPECT_EQ(resumed.results->validation_loss, expected.results->validation_loss);
  EXPECT_TRUE(test::read_all(once.out / "model.safetensors") ==
              test::read_all(parts.out / "model.safetensors"));
  // The parts of the loss are told of.
  const std::string metrics = test::read_all(once.out / "metrics.jsonl");
  EXPECT_NE(metrics.find("\"loss_class\":"), std::string::npos) << metrics;
}

TEST_F(Detect, AResumeMustFitWhatItBegan) {
  Watcher watcher;
  DetectJob again = job("model");
  again.options.steps = 1;
  train(again, watcher);
  again.resume = true;
  again.options.steps = 2;
  EXPECT_EQ(train(again, watcher).size, (PictureSize{48, 48}));
  DetectJob other = again;
  other.options.zoom = 0;
  EXPECT_ERROR(train_detect(other), "zoom 0: the training in");
  other = again;
  other.options.model.two_stage.region_layers = 0;
  EXPECT_ERROR(train_detect(other), "begun with another model");
  // One box that is another.
  const fs::path annotation = folder_ / "pictures/Annotations/0.xml";
  std::string text = test::read_all(annotation);
  text.replace(text.find("<xmin>"), 6, "<difficult>0</difficult><xmin>");
  const std::size_t end = text.find("</xmax>");
  text[end - 1] = text[end - 1] == '9' ? '8' : static_cast<char>(text[end - 1] + 1);
  text.replace(text.find("<difficult>0</difficult>"), 24, "");
  std::ofstream(annotation) << text;
  EXPECT_ERROR(train_detect(again), "other pictures or objects than those");
  again.resume = false;
  EXPECT_ERROR(train_detect(again), "already holds a model");
}

TEST_F(Detect, BadDataIsNamedAndNothingIsWritten) {
  const auto fails = [&](const DetectionSource& data, const char* part) {
    DetectJob bad = job("bad");
    bad.data = data;
    EXPECT_ERROR(train_detect(bad), part);
    EXPECT_FALSE(fs::exists(bad.out));
  };
  fails({}, "--data FOLDER or --data FILE.json is needed");
  fails({.path = folder_ / "nothing"}, "nothing");
  fails({.path = folder_ / "pictures/JPEGImages/0.png"}, "in the format of Pascal VOC");
  fails({.path = folder_ / "pictures", .list = folder_ / "no.txt"}, "no.txt");
  fails({.path = folder_ / "pictures", .picture_folder = folder_ / "pictures"}, "pictures in JPEGImages");
  fails({.path = folder_ / "a.json", .list = folder_ / "no.txt"}, "lists its pictures itself");
  test::write_voc_scenes(folder_ / "few", 1);
  fails({.path = folder_ / "few"}, "1 pictures are too few");
  test::write_list(folder_ / "pictures/val.txt", 0, 0);
  const auto refused = [&](auto&& change, const char* part) {
    DetectJob bad = job("bad");
    change(bad.options);
    EXPECT_ERROR(train_detect(bad), part);
  };
  refused([](DetectOptions& o) { o.recompute = true; }, "recompute true");
  refused([](DetectOptions& o) { o.label_smoothing = 0.1; }, "label_smoothing 0.1");
  refused([](DetectOptions& o) { o.size = 8; }, "size 8");
  refused([](DetectOptions& o) { o.model.two_stage.proposals = 0; }, "proposals 0");
}

TEST_F(Detect, PicturesThatCannotBeReadAreSkippedIfAsked) {
  std::ofstream(folder_ / "pictures/JPEGImages/0.png") << "no picture";
  DetectJob bad = job("bad");
  EXPECT_ERROR(train_detect(bad), "0.png");
  bad.options.skip_bad = true;
  bad.options.steps = 1;
  Watcher watcher;
  EXPECT_EQ(train(bad, watcher).data->skipped, 1);
  EXPECT_NE(watcher.said.find("1 that cannot be read skipped"), std::string::npos) << watcher.said;
}

TEST_F(Detect, TakesTheListsOfTheFolder) {
  const fs::path pictures = folder_ / "pictures";
  Watcher watcher;
  DetectJob once = job("tenth");
  once.options.steps = 1;
  const DetectConfig tenth = train(once, watcher);
  EXPECT_EQ(tenth.data->pictures + tenth.data->validation_pictures, 20);
  EXPECT_GT(tenth.data->validation_pictures, 0);
  fs::create_directories(pictures / "ImageSets/Main");
  test::write_list(pictures / "ImageSets/Main/train.txt", 0, 6);
  test::write_list(pictures / "val.txt", 6, 10);
  test::write_list(pictures / "test.txt", 10, 15);
  once.out = folder_ / "lists";
  const DetectConfig lists = train(once, watcher);
  EXPECT_EQ(lists.data->pictures, 6);
  EXPECT_EQ(lists.data->objects, 9);  // one and two in turn
  EXPECT_EQ(lists.data->validation_pictures, 4);
  EXPECT_EQ(lists.data->validation_path, (pictures / "val.txt").string());
  const ObjectDetector detector(once.out);
  EXPECT_EQ(detector.evaluate({.path = pictures}).pictures, 5);
  EXPECT_EQ(detector.evaluate({.path = pictures, .list = pictures / "val.txt"}).pictures, 4);
  once.out = folder_ / "given";
  once.data.list = pictures / "test.txt";
  once.validation = pictures / "val.txt";
  const DetectConfig given = train(once, watcher);
  EXPECT_EQ(given.data->pictures, 5);
  EXPECT_EQ(given.data->validation_pictures, 4);
}

TEST_F(Detect, WithoutAnObjectToFindNothingIsLearnt) {
  const fs::path pictures = folder_ / "pictures";
  std::string text = test::read_all(pictures / "Annotations/0.xml");
  text.replace(text.find("<bndbox>"), 8, "<difficult>1</difficult><bndbox>");
  std::ofstream(pictures / "Annotations/0.xml") << text;
  test::write_list(pictures / "train.txt", 0, 1);
  test::write_list(pictures / "val.txt", 2, 3);
  EXPECT_ERROR(train_detect(job("bad")), "no object is marked");
  test::write_list(pictures / "train.txt", 2, 3);
  test::write_list(pictures / "val.txt", 0, 1);
  EXPECT_ERROR(train_detect(job("bad")), "no object is marked in the 1 pictures for validation");
  EXPECT_FALSE(fs::exists(folder_ / "bad"));
}

TEST_F(Detect, ClassesMayBeNamedInAFile) {
  const fs::path pictures = folder_ / "pictures";
  // A square is all that is learnt from, and there are discs to choose the weights by.
  test::write_list(pictures / "train.txt", 0, 1);
  test::write_list(pictures / "val.txt", 1, 2);
  EXPECT_ERROR(train_detect(job("bad")), "no class 'disc'");
  std::ofstream(pictures / "classes.txt") << "square\ndisc\nstar\n";
  Watcher watcher;
  EXPECT_EQ(train(job("model"), watcher).classes, (std::vector<std::string>{"square", "disc", "star"}));
}

TEST_F(Detect, ObjectQueriesAreSeenWhereTheyLook) {
  Watcher watcher;
  DetectJob once = job("detr", "detr");
  train(once, watcher);
  const ObjectDetector detector(once.out);
  const io::Image picture = test::picture_of(test::tiny_scenes(2, 9), 1);
  const auto objects = detector.detect(picture, 0);
  ASSERT_GT(objects.size(), 1u);
  const explain::PictureMaps maps = detector.see(picture, 0);
  explain::check(maps);
  ASSERT_EQ(maps.maps.size(), 1 + objects.size());
  EXPECT_EQ(maps.maps[0].name, "All queries");
  // The weights of the query itself, by the model: the mean of the heads, as a part of the largest.
  const auto& model = dynamic_cast<const model::DetectionTransformer&>(detector.model());
  AttentionWatcher seen;
  nn::Run run;
  run.observer = &seen;
  const DetectBatch batch = batch_of(
      std::vector<data::Scene>{fitted({.image = picture}, detector.config()).scene}, detector.config());
  model.detect(batch.pictures, {}, run);
  const Tensor weights = seen.weights().at(model.query_attention_layer(1));
  const auto [rows, columns] = model.memory_size(48, 48);
  ASSERT_EQ(weights.shape(), (Shape{1, 4, 8, rows * columns}));
  const auto values = weights.to_vector<float>();
  for (std::size_t o = 0; o < objects.size(); ++o) {
    std::vector<float> own(static_cast<std::size_t>(rows * columns));
    for (std::int64_t head = 0; head < 4; ++head)
      for (std::int64_t p = 0; p < rows * columns; ++p)
        own[static_cast<std::size_t>(p)] +=
            values[static_cast<std::size_t>((head * 8 + objects[o].query) * rows * columns + p)];
    const float most = *std::ranges::max_element(own);
    const explain::PictureMap& map = maps.maps[1 + o];
    ASSERT_EQ(map.height, 48);
    for (std::int64_t y = 0; y < 48; ++y)
      for (std::int64_t x = 0; x < 48; ++x)
        ASSERT_NEAR(map.values[static_cast<std::size_t>(y * 48 + x)],
                    own[static_cast<std::size_t>(y * rows / 48 * columns + x * columns / 48)] / most, 1e-5);
  }
}

/// A model that has learned to find squares and discs.
class TrainedObjectDetector : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;
    test::write_voc_scenes(*shared / "pictures", 60);
    test::write_voc_scenes(*shared / "unseen", 12, 500);
    DetectJob job;
    job.data.path = *shared / "pictures";
    job.out = *shared / "model";
    job.options = tiny_options();
    job.options.steps = 160;
    job.options.zoom = 0;
    // Tensors are so small that two threads would mostly wait for each other.
    const int threads_before = threads();
    set_threads(1);
    train_detect(job);
    set_threads(threads_before);
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }
  static fs::path file(const std::string& name) { return *shared / name; }

  static inline TemporaryFolder* shared = nullptr;
};

TEST_F(TrainedObjectDetector, FindsObjectsInPicturesItHasNotSeen) {
  const ObjectDetector detector(file("model"));
  EXPECT_EQ(detector.classes(), (std::vector<std::string>{"disc", "square"}));
  const DetectEvaluation evaluation = detector.evaluate({.path = file("unseen")});
  EXPECT_EQ(evaluation.pictures, 12);
  EXPECT_EQ(evaluation.objects, 18);
  EXPECT_GT(evaluation.score.ap50, 0.7);
  EXPECT_GT(evaluation.score.ap, 0.25);
  const DetectConfig config = read_detect_config(file("model"));
  EXPECT_GT(config.score->ap50, 0.7);
  EXPECT_NE(test::read_all(file("model") / "README.md").find("# A detector of objects"), std::string::npos);
}

TEST_F(TrainedObjectDetector, MeasuresTheSameInTheFormatOfCoco) {
  const ObjectDetector detector(file("model"));
  const data::DetectionImages images = open_detection_images({.path = file("unseen")}, false);
  std::vector<data::ImageEntry> entries;
  std::vector<std::vector<data::AnnotatedBox>> boxes;
  for (std::int64_t i = 0; i < images.size(); ++i) {
    entries.push_back(images.entry(i));
    boxes.push_back(images.boxes(i));
  }
  std::ofstream(file("coco.json")) << data::to_coco_annotations(entries, boxes, images.class_names());
  EXPECT_ERROR(detector.evaluate({.path = file("coco.json")}), ".png");
  const DetectEvaluation coco =
      detector.evaluate({.path = file("coco.json"), .picture_folder = file("unseen/JPEGImages")});
  const DetectEvaluation voc = detector.evaluate({.path = file("unseen")});
  EXPECT_EQ(coco.score.ap, voc.score.ap);
  EXPECT_EQ(coco.objects, voc.objects);
}

TEST_F(TrainedObjectDetector, GivesBoxesInPixelsOfThePicture) {
  const ObjectDetector detector(file("model"));
  const test::TinyScenes scenes = test::tiny_scenes(8, 77);
  std::int64_t found = 0;
  for (std::int64_t i = 0; i < 8; i += 2) {
    // Three times as large, with a dark part beside it.
    data::Scene scene{.image = test::picture_of(scenes, i),
                      .boxes = scenes.targets[static_cast<std::size_t>(i)]};
    scene = data::crop(data::resize(scene, 144, 144), {.height = 144, .width = 180}, {.fill = {28, 28, 28}});
    scene.image = io::with_channels(scene.image, 3);
    for (const data::DetectedBox& object : detector.detect(scene.image)) {
      EXPECT_LE(object.box.x1, 180);
      // Squares are class 0 of the scenes, and "disc" comes before "square".
      found +=
          object.box.label == 1 - scene.boxes[0].label && test::overlap_of(object.box, scene.boxes[0]) > 0.5;
    }
  }
  EXPECT_GE(found, 3);
  EXPECT_ERROR(detector.detect(test::picture_of(scenes, 0), 1.5), "score threshold 1.5");
}

/// The sums of a map of 48 x 48 places up to 6 pixels around a box, and elsewhere.
std::pair<double, double> shares_of(const explain::PictureMap& map, const data::Box& box) {
  std::pair<double, double> sums;
  for (std::int64_t y = 0; y < 48; ++y)
    for (std::int64_t x = 0; x < 48; ++x) {
      const auto column = static_cast<float>(x), row = static_cast<float>(y);
      const bool in = column >= box.x0 - 6 && column <= box.x1 + 6 && row >= box.y0 - 6 && row <= box.y1 + 6;
      (in ? sums.first : sums.second) +=
          static_cast<double>(map.values[static_cast<std::size_t>(y * 48 + x)]);
    }
  return sums;
}

TEST_F(TrainedObjectDetector, SeesWhatItsRegionsLookAt) {
  const ObjectDetector detector(file("model"));
  const test::TinyScenes scenes = test::tiny_scenes(2, 78);
  const io::Image picture = test::picture_of(scenes, 1);
  const explain::PictureMaps maps = detector.see(picture, 0.3);
  explain::check(maps);
  const auto objects = detector.detect(picture, 0.3);
  // A disc on the left and a square on the right.
  ASSERT_GT(objects.size(), 1u);
  ASSERT_EQ(maps.maps.size(), 1 + objects.size());
  EXPECT_EQ(maps.maps[0].name, "Proposals");
  std::array<bool, 2> seen{};
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const data::Box& box = objects[i].box;
    seen[box.x0 + box.x1 < 48 ? 0 : 1] = true;
    EXPECT_EQ(maps.maps[1 + i].name.substr(0, 4), box.label == 0 ? "disc" : "squa");
    // It alone is looked at.
    const auto [inside, outside] = shares_of(maps.maps[1 + i], box);
    EXPECT_GT(inside, 0);
    EXPECT_LT(outside, 0.3 * inside);
  }
  EXPECT_TRUE(seen[0] && seen[1]);
}

}  // namespace
}  // namespace attend::task
