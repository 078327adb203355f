#include "attend/model/detection_transformer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/image_models.h"
#include "support/module_gradients.h"
#include "support/tiny_scenes.h"

namespace attend {
namespace {

using model::DetectionTransformer;
using model::DetectionTransformerConfig;
using model::QueryAttention;

const DetectionTransformerConfig kSmall{
    .pyramid = {.channels = 1, .width = 2, .stages = 2, .levels = 1, .dim = 8},
    .classes = 2,
    .queries = 4,
    .groups = 2,
    .decoder_layers = 1,
    .heads = 2,
    .feed_forward = 6};

TEST(DetectionTransformer, GradientsMatchFiniteDifferences) {
  for (const auto query_attention : {QueryAttention::modulated, QueryAttention::plain}) {
    DetectionTransformerConfig config = kSmall;
    config.query_attention = query_attention;
    DetectionTransformer detector(config, 1);
    test::fill_by_name(detector);
    const Tensor pictures = test::random_tensor({2, 16, 16, 1}, DType::f64, 1);
    const model::DetectionTargets targets = {{{2, 3, 8, 9, 1}, {7, 8, 14, 16, 0}}, {{4, 4, 11, 7, 0}}};
    // In training, with both groups. The boxes that a layer begins with are constants to its attention, so
    // that their gradient is not a derivative.
    EXPECT_TRUE(test::parameter_gradients_match(
        detector, [&] { return detector.loss(pictures, targets, {.training = true}).total; },
        {"query_boxes"}));
  }
}

TEST(DetectionTransformer, GroupsOfQueriesKnowNothingOfEachOther) {
  DetectionTransformerConfig config = kSmall;
  config.decoder_layers = 2;
  DetectionTransformer detector(config, 1);
  test::fill_by_name(detector);
  const Tensor pictures = test::random_tensor({2, 24, 20, 1}, DType::f64, 1);
  const auto one = detector.predict(pictures, 1), two = detector.predict(pictures, 2);
  ASSERT_EQ(one.size(), 2u);
  for (std::size_t layer = 0; layer < 2; ++layer) {
    ASSERT_EQ(two[layer].logits.shape(), (Shape{2, 8, 3}));
    EXPECT_TRUE(
        test::close(op::slice(two[layer].logits, 1, 0, 4).detach(), one[layer].logits.detach(), 1e-9, 1e-9));
    EXPECT_TRUE(
        test::close(op::slice(two[layer].boxes, 1, 0, 4).detach(), one[layer].boxes.detach(), 1e-9, 1e-9));
  }
  EXPECT_ERROR(detector.predict(pictures, 3), "3 groups of queries: 1 to 2 needed");
}

TEST(DetectionTransformer, EachDetectionIsThatOfItsQuery) {
  DetectionTransformer detector(kSmall, 1);
  test::fill_by_name(detector, DType::f32);
  const Tensor pictures = test::random_tensor({2, 24, 40, 1}, DType::f32, 1);
  const auto detections = detector.detect(pictures, {.score_threshold = 0, .nms_threshold = 1});
  const std::vector<double> boxes = detector.predict(pictures).back().boxes.to_vector<double>();
  for (std::size_t picture = 0; picture < 2; ++picture) {
    ASSERT_EQ(detections[picture].size(), 4u);
    for (const data::DetectedBox& found : detections[picture]) {
      const double* box = boxes.data() + (picture * 4 + static_cast<std::size_t>(found.query)) * 4;
      EXPECT_NEAR(found.box.x0, std::max(0.0, (box[0] - box[2] / 2) * 40), 1e-4);
      EXPECT_NEAR(found.box.y1, std::min(24.0, (box[1] + box[3] / 2) * 24), 1e-4);
    }
  }
}

struct Watcher : attention::Observer {
  Tensor weights;
  std::int64_t layer = 0;
  bool wants(std::int64_t one) override { return one == layer; }
  void observe(std::int64_t, const Tensor& seen) override { weights = seen; }
};

TEST(DetectionTransformer, TellsWhichPlacesQueriesLookAt) {
  DetectionTransformerConfig config = kSmall;
  config.decoder_layers = 2;
  const DetectionTransformer detector(config, 1);
  const auto size = detector.memory_size(33, 47);
  EXPECT_EQ(size.height, 5);
  EXPECT_EQ(size.width, 6);
  Watcher watcher;
  watcher.layer = detector.query_attention_layer(1);
  detector.detect(test::random_tensor({3, 33, 47, 1}, DType::f32, 1), {}, {.observer = &watcher});
  EXPECT_EQ(watcher.weights.shape(), (Shape{3, 2, 4, 30}));
}

TEST(DetectionTransformer, LayersBeginWithTheBoxesOfTheOneBefore) {
  DetectionTransformerConfig config = kSmall;
  config.decoder_layers = 2;
  const DetectionTransformer detector(config, 1);
  // Nothing is changed at the start: the last layer of the box head is zero.
  const auto predictions = detector.predict(test::random_tensor({1, 24, 24, 1}, DType::f32, 1));
  EXPECT_TRUE(test::same_bits(predictions[0].boxes.detach(), predictions[1].boxes.detach()));
  for (const double x : predictions[0].boxes.to_vector<double>()) EXPECT_TRUE(x > 0 && x < 1);
}

TEST(DetectionTransformerConfig, JsonGoesThereAndBack) {
  const DetectionTransformerConfig config{
      .pyramid = {.channels = 1, .width = 5, .stages = 3, .blocks = 2, .levels = 2, .dim = 24},
      .classes = 7,
      .queries = 11,
      .groups = 5,
      .encoder_layers = 0,
      .decoder_layers = 4,
      .heads = 6,
      .feed_forward = 13,
      .query_attention = QueryAttention::plain,
      .no_object_weight = 0.3,
      .dropout = 0.1};
  EXPECT_EQ(model::detection_transformer_config_from_json(to_json(config)), config);
  EXPECT_EQ(model::detection_transformer_config_from_json("{}"), DetectionTransformerConfig{});
  EXPECT_EQ(nlohmann::json::parse(to_json(config))["query_attention"], "plain");
  EXPECT_EQ(nlohmann::json::parse(to_json(config)).size(), 16u);
}

TEST(DetectionTransformerConfig, WrongKeysAndValuesAreNamed) {
  const auto read = [](const char* text) {
    return model::detection_transformer_config_from_json(text, "c.json");
  };
  EXPECT_ERROR(read(R"({"querys": 3})"), "c.json: unknown key \"querys\"; did you mean \"queries\"?");
  EXPECT_ERROR(read(R"({"dim": 30})"), "dim");
  EXPECT_ERROR(read(R"({"dim": 6, "heads": 2})"), "dim 6: a multiple of 4 needed");
  EXPECT_ERROR(read(R"({"levels": 6})"), "levels 6: at most as many as there are stages, 4");
  EXPECT_ERROR(read(R"({"queries": 0})"), "queries 0: an integer from 1");
  EXPECT_ERROR(read(R"({"no_object_weight": 0})"), "no_object_weight 0: a number above 0");
  EXPECT_ERROR(read(R"({"query_attention": "deformable"})"), R"(one of "modulated", "plain" needed)");
}

}  // namespace
}  // namespace attend
