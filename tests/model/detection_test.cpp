#include "model/detection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/expect_error.h"
#include "support/gradient_check.h"
#include "support/random_tensor.h"
#include "support/tiny_scenes.h"

namespace attend {
namespace {

using autograd::Tensors;
using data::DetectedBox;
using model::DetectOptions;

std::vector<DetectedBox> random_detections(std::size_t count, std::uint64_t seed) {
  Generator random(seed);
  std::vector<DetectedBox> detections;
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = static_cast<float>(30 * random.uniform() - 5),
               y = static_cast<float>(30 * random.uniform() - 5);
    const auto width = static_cast<float>(12 * random.uniform()),
               height = static_cast<float>(12 * random.uniform());
    detections.push_back({.box = {x, y, x + width, y + height, static_cast<std::int64_t>(random.below(2))},
                          .score = random.uniform(),
                          .query = static_cast<std::int64_t>(i)});
  }
  return detections;
}

/// The rules one after the other, by brute force, for pictures of 24 x 28.
std::vector<DetectedBox> by_definition(std::vector<DetectedBox> rest, const DetectOptions& options) {
  for (DetectedBox& d : rest) {
    d.box.x0 = std::min(std::max(d.box.x0, 0.0f), 28.0f);
    d.box.x1 = std::min(std::max(d.box.x1, 0.0f), 28.0f);
    d.box.y0 = std::min(std::max(d.box.y0, 0.0f), 24.0f);
    d.box.y1 = std::min(std::max(d.box.y1, 0.0f), 24.0f);
  }
  std::vector<DetectedBox> kept;
  while (!rest.empty()) {
    const auto best = std::max_element(rest.begin(), rest.end(),
                                       [](const auto& a, const auto& b) { return a.score < b.score; });
    const DetectedBox next = *best;
    rest.erase(best);
    if (next.score < options.score_threshold || next.box.x0 >= next.box.x1 || next.box.y0 >= next.box.y1)
      continue;
    if (std::any_of(kept.begin(), kept.end(), [&](const DetectedBox& other) {
          return other.box.label == next.box.label &&
                 test::overlap_of(other.box, next.box) > options.nms_threshold;
        }))
      continue;
    kept.push_back(next);
  }
  if (static_cast<std::int64_t>(kept.size()) > options.most)
    kept.resize(static_cast<std::size_t>(options.most));
  return kept;
}

TEST(KeptDetections, AreThoseThatTheDefinitionKeeps) {
  for (std::uint64_t seed = 0; seed < 40; ++seed)
    for (const DetectOptions& options :
         {DetectOptions{}, DetectOptions{.score_threshold = 0.4, .nms_threshold = 0.2, .most = 7},
          DetectOptions{.score_threshold = 0, .nms_threshold = 1, .most = 1000}}) {
      const std::vector<DetectedBox> candidates = random_detections(30, seed);
      EXPECT_EQ(model::kept_detections(candidates, 24, 28, options), by_definition(candidates, options))
          << seed;
    }
  EXPECT_TRUE(model::kept_detections({}, 24, 28, {}).empty());
}

TEST(KeptDetections, LeaveOutNumbersThatAreNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const DetectedBox good{.box = {1, 1, 5, 5, 0}, .score = 0.9};
  const std::vector<DetectedBox> candidates = {
      {.box = {nan, 1, 5, 5, 0}, .score = 0.9}, {.box = {1, 1, 5, 5, 0}, .score = std::nan("")}, good};
  EXPECT_EQ(model::kept_detections(candidates, 24, 28, {}), std::vector<DetectedBox>{good});
}

TEST(SmoothL1, IsItsDefinitionAndDifferentiable) {
  const Tensor x = test::random_tensor({5, 4}, DType::f64, 1);
  double expected = 0;
  for (const double d : x.to_vector<double>())
    expected += std::abs(d) < 0.3 ? d * d / 0.6 : std::abs(d) - 0.15;
  EXPECT_NEAR(model::smooth_l1(x, 0.3).item(), expected, 1e-12);
  EXPECT_TRUE(test::gradients_match(
      [](const Tensors& inputs) { return Tensors{model::smooth_l1(inputs[0], 0.3)}; }, {x}));
}

TEST(DetectionChecks, NameWhatDoesNotFit) {
  const Tensor pictures = Tensor::zeros({2, 8, 8, 3});
  EXPECT_ERROR(model::check_targets({{}}, pictures, 3), "boxes of 1 pictures beside 2 pictures");
  EXPECT_ERROR(model::check_targets({{}, {{1, 1, 1, 4, 0}}}, pictures, 3),
               "picture 1 of the batch has a box from (1, 1) to (1, 4)");
  EXPECT_ERROR(
      model::check_targets({{{1, 1, std::numeric_limits<float>::infinity(), 4, 0}}, {}}, pictures, 3),
      "picture 0 of the batch has a box from (1, 1) to (inf, 4)");
  EXPECT_ERROR(model::check_targets({{{1, 1, 3, 4, 3}}, {}}, pictures, 3), "a box of class 3: 0 to 2 needed");
  EXPECT_ERROR(model::check_targets({{{1, 1, 3, 4, -1}}, {}}, pictures, 3), "a box of class -1");
  EXPECT_ERROR(model::check_pictures(pictures, 1),
               "pictures f32 [2, 8, 8, 3]: f32 [batch, height, width, 1]");
  EXPECT_ERROR(model::check_pictures({}, 1), "pictures undefined");
  EXPECT_ERROR(model::check(DetectOptions{.score_threshold = 1.5}), "score threshold 1.5");
  EXPECT_ERROR(model::check(DetectOptions{.nms_threshold = std::nan("")}), "NMS threshold nan");
  EXPECT_ERROR(model::check(DetectOptions{.most = 0}), "0 detections");
}

}  // namespace
}  // namespace attend
