// What all detectors do.

#include "attend/model/detector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "attend/base/parallel.h"
#include "attend/model/detector_config.h"
#include "attend/op/cast.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/image_models.h"
#include "support/sanitized.h"
#include "support/tiny_scenes.h"

namespace attend {
namespace {

using model::Detector;
using model::DetectorConfig;

DetectorConfig tiny(const std::string& kind) {
  DetectorConfig config;
  config.kind = kind;
  config.two_stage = {.pyramid = {.channels = 1, .width = 8, .stages = 2, .levels = 2, .dim = 32},
                      .classes = 2,
                      .anchor_scale = 2,
                      .proposal_candidates = 50,
                      .proposals = 20,
                      .proposal_samples = 32,
                      .roi_samples = 16,
                      .roi_size = 5};
  config.transformer = {.pyramid = {.channels = 1, .width = 8, .stages = 2, .levels = 1, .dim = 32},
                        .classes = 2,
                        .queries = 8,
                        .groups = 2,
                        .decoder_layers = 2};
  return config;
}

/// A case by its name in lists of tests.
struct Case {
  const char* name;
  const char* kind;
  model::QueryAttention query_attention = model::QueryAttention::modulated;

  std::unique_ptr<Detector> make() const {
    DetectorConfig config = tiny(kind);
    config.transformer.query_attention = query_attention;
    return make_detector(config, 1);
  }
};

// NOLINTNEXTLINE(readability-identifier-naming): the name that GoogleTest looks for
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

const Case kCases[] = {
    {"TwoStage", "two_stage"}, {"Modulated", "detr"}, {"Plain", "detr", model::QueryAttention::plain}};

std::string name_of_case(const ::testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

class Detectors : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Kinds, Detectors, ::testing::ValuesIn(kCases), name_of_case);

// Plain cross-attention needs many more updates: one detection transformer is enough.
class TrainedDetectors : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Kinds, TrainedDetectors, ::testing::Values(kCases[0], kCases[1]), name_of_case);

/// The loss of a training step, its parts, and the gradients of all parameters.
autograd::Tensors step(const Detector& detector, const test::TinyScenes& scenes) {
  Generator random(9);
  const model::DetectionLoss loss =
      detector.loss(scenes.pictures, scenes.targets, {.training = true, .random = &random});
  autograd::backward(loss.total);
  autograd::Tensors result = {loss.total.detach()};
  for (const model::DetectionLossPart& part : loss.parts) result.push_back(Tensor::full({}, part.value));
  for (const auto& parameter : detector.parameters()) {
    const Tensor gradient = autograd::grad(parameter.tensor);
    result.push_back(gradient.defined() ? gradient : Tensor::zeros({}));
    autograd::clear_grad(parameter.tensor);
  }
  return result;
}

TEST_P(Detectors, GiveTheSameBitsForOneThreadAndTwo) {
  const auto detector = GetParam().make();
  const test::TinyScenes scenes = test::tiny_scenes(3, 1);
  const int before = threads();
  std::vector<autograd::Tensors> results;
  std::vector<model::Detections> detections;
  for (const int count : {1, 2}) {
    set_threads(count);
    results.push_back(step(*detector, scenes));
    detections.push_back(detector->detect(scenes.pictures, {.score_threshold = 0}));
  }
  set_threads(before);
  ASSERT_EQ(results[0].size(), results[1].size());
  for (std::size_t i = 0; i < results[0].size(); ++i)
    EXPECT_TRUE(test::same_bits(results[0][i], results[1][i])) << i;
  EXPECT_EQ(detections[0], detections[1]);
  EXPECT_FALSE(detections[0][0].empty());
}

TEST_P(Detectors, LossIsTheSumOfItsParts) {
  const auto detector = GetParam().make();
  const test::TinyScenes scenes = test::tiny_scenes(2, 1);
  const model::DetectionLoss loss = detector->loss(scenes.pictures, scenes.targets);
  double sum = 0;
  for (const auto& part : loss.parts) {
    EXPECT_GT(part.value, 0) << part.name;
    sum += part.value;
  }
  EXPECT_NEAR(loss.total.item(), sum, 1e-5);
}

TEST_P(Detectors, LearnFromPicturesWithoutAnyObject) {
  const auto detector = GetParam().make();
  test::TinyScenes scenes = test::tiny_scenes(2, 1);
  scenes.targets = {{}, {}};
  for (const Tensor& value : step(*detector, scenes))
    for (const double x : value.to_vector<double>()) ASSERT_TRUE(std::isfinite(x));
  const model::DetectionLoss loss = detector->loss(scenes.pictures, scenes.targets);
  for (const auto& part : loss.parts)
    EXPECT_EQ(part.value > 0, part.name == "class" || part.name == "objectness") << part.name;
}

struct Watcher : attention::Observer {
  std::map<std::int64_t, Tensor> seen;
  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t layer, const Tensor& weights) override { seen[layer] = weights; }
};

TEST_P(Detectors, TellAnObserverEachLayerAndChangeNothing) {
  const auto detector = GetParam().make();
  const Tensor pictures = test::tiny_scenes(2, 1).pictures;
  Watcher watcher;
  const auto watched = detector->detect(pictures, {.score_threshold = 0}, {.observer = &watcher});
  EXPECT_EQ(watched, detector->detect(pictures, {.score_threshold = 0}));
  ASSERT_EQ(static_cast<std::int64_t>(watcher.seen.size()), detector->observed_layers());
  for (std::int64_t layer = 0; layer < detector->observed_layers(); ++layer) {
    ASSERT_EQ(watcher.seen.count(layer), 1u);
    const Tensor& weights = watcher.seen[layer];
    ASSERT_EQ(weights.rank(), 4);
    double sum = 0;
    for (std::int64_t i = 0; i < weights.dim(3); ++i)
      sum += weights.to_vector<double>()[static_cast<std::size_t>(i)];
    EXPECT_NEAR(sum, 1, 1e-4);
  }
}

TEST_P(Detectors, WorkInBf16) {
  const auto detector = GetParam().make();
  const test::TinyScenes scenes = test::tiny_scenes(2, 1);
  const double exact = detector->loss(scenes.pictures, scenes.targets).total.item(),
               rounded =
                   detector->loss(scenes.pictures, scenes.targets, {.compute = DType::bf16}).total.item();
  // Other anchors may be proposed, and other pairs be the best, where two are about equal.
  EXPECT_NEAR(rounded, exact, 0.1 * exact);
  detector->cast_parameters(DType::bf16);
  EXPECT_FALSE(detector->detect(scenes.pictures, {.score_threshold = 0})[0].empty());
}

TEST_P(Detectors, StayInsideThePicture) {
  const auto detector = GetParam().make();
  const Tensor pictures = test::random_tensor({1, 31, 45, 1}, DType::f32, 3);
  const auto detections = detector->detect(pictures, {.score_threshold = 0, .nms_threshold = 1, .most = 5});
  ASSERT_EQ(detections.size(), 1u);
  EXPECT_EQ(detections[0].size(), 5u);
  for (const data::DetectedBox& found : detections[0]) {
    EXPECT_GE(found.box.x0, 0);
    EXPECT_GE(found.box.y0, 0);
    EXPECT_LE(found.box.x1, 45);
    EXPECT_LE(found.box.y1, 31);
  }
}

TEST_P(Detectors, RefuseWhatDoesNotFit) {
  const auto detector = GetParam().make();
  const Tensor pictures = Tensor::zeros({1, 48, 48, 1});
  EXPECT_ERROR(detector->detect(Tensor::zeros({1, 48, 48, 3})), "[batch, height, width, 1] needed");
  EXPECT_ERROR(detector->loss(Tensor(), {{}}), "pictures undefined");
  EXPECT_ERROR(detector->loss(pictures, {}), "boxes of 0 pictures beside 1 pictures");
  EXPECT_ERROR(detector->loss(pictures, {{{1, 1, 5, 5, 2}}}), "a box of class 2: 0 to 1 needed");
  EXPECT_ERROR(detector->detect(pictures, {.score_threshold = 2}), "score threshold 2");
}

TEST_P(TrainedDetectors, FindTheObjectsOfAFewPictures) {
  const auto detector = GetParam().make();
  const test::TinyScenes scenes = test::tiny_scenes(4, 1);
  const bool is_two_stage = GetParam().kind == std::string("two_stage");
  test::learn_scenes(*detector, scenes, test::kSanitized ? 10 : is_two_stage ? 180 : 120, 3e-3);
  const test::Found found = test::found_by(*detector, scenes);
  EXPECT_EQ(found.objects, 6);
  if (test::kSanitized) return;
  // What is just found or just not is up to rounding, which differs from one processor to the next.
  EXPECT_GE(found.found, 5);
  EXPECT_LE(found.wrong, 1);
}

}  // namespace
}  // namespace attend
