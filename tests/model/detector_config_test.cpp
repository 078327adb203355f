#include "attend/model/detector_config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/expect_error.h"

namespace attend {
namespace {

using model::DetectorConfig;
using model::TwoStageDetectorConfig;

TEST(TwoStageDetectorConfig, JsonGoesThereAndBack) {
  const TwoStageDetectorConfig config{
      .pyramid = {.channels = 1, .width = 5, .stages = 3, .blocks = 2, .levels = 2, .dim = 24},
      .classes = 7,
      .anchor_scale = 2.5,
      .proposal_candidates = 31,
      .proposal_nms_threshold = 0.6,
      .proposals = 17,
      .proposal_samples = 19,
      .roi_samples = 23,
      .roi_size = 3,
      .pooling_queries = 2,
      .region_layers = 0,
      .heads = 6,
      .box_loss = model::BoxLoss::giou,
      .dropout = 0.1};
  EXPECT_EQ(model::two_stage_detector_config_from_json(to_json(config)), config);
  EXPECT_EQ(model::two_stage_detector_config_from_json("{}"), TwoStageDetectorConfig{});
  EXPECT_EQ(nlohmann::json::parse(to_json(config)).size(), 19u);
}

TEST(TwoStageDetectorConfig, WrongKeysAndValuesAreNamed) {
  const auto read = [](const char* text) {
    return model::two_stage_detector_config_from_json(text, "c.json");
  };
  EXPECT_ERROR(read(R"({"proposal": 3})"), "c.json: unknown key \"proposal\"; did you mean \"proposals\"?");
  EXPECT_ERROR(read(R"({"heads": 5})"), "heads");
  EXPECT_ERROR(read(R"({"stages": 2})"), "levels 3: at most as many as there are stages, 2");
  EXPECT_ERROR(read(R"({"anchor_scale": 0})"), "anchor_scale 0: a number above 0");
  EXPECT_ERROR(read(R"({"box_loss": "l2"})"), R"(one of "smooth_l1", "giou" needed)");
}

TEST(DetectorConfig, JsonGoesThereAndBackForEachPreset) {
  for (const char* name : {"two_stage-tiny", "two_stage-small", "detr-tiny", "detr-small"}) {
    DetectorConfig config = model::detector_preset(name);
    config.set_data(5, 1);
    EXPECT_EQ(config.classes(), 5);
    EXPECT_EQ(config.channels(), 1);
    const DetectorConfig read = model::detector_config_from_json(to_json(config));
    EXPECT_EQ(read, config);
    EXPECT_EQ(read.kind, std::string(name).substr(0, read.kind.size()));
    const auto detector = make_detector(read);
    EXPECT_EQ(detector->classes(), 5);
    EXPECT_GT(detector->parameter_count(), 100000);
    EXPECT_LT(detector->parameter_count(), 3000000);
  }
  EXPECT_FALSE(model::detector_preset("detr-tiny") == model::detector_preset("two_stage-tiny"));
}

TEST(DetectorConfig, WrongKeysAndValuesAreNamed) {
  EXPECT_ERROR(
      model::detector_preset("detr-huge"),
      "unknown detector 'detr-huge': there are two_stage-tiny, two_stage-small, detr-tiny, detr-small");
  const auto read = [](const char* text) { return model::detector_config_from_json(text, "c.json"); };
  EXPECT_ERROR(read("{"), "c.json: not valid JSON");
  EXPECT_ERROR(read("[]"), "c.json: a JSON object needed");
  EXPECT_ERROR(read(R"({"kind": "detr"})"), "c.json: no \"network\"");
  EXPECT_ERROR(read(R"({"kind": 3, "network": {}})"), "kind 3: \"two_stage\" or \"detr\" needed");
  EXPECT_ERROR(read(R"({"kind": "yolo", "network": {}})"), "kind yolo: two_stage or detr needed");
  EXPECT_ERROR(read(R"({"kinds": "detr", "network": {}})"), "unknown key \"kinds\"; did you mean \"kind\"?");
  EXPECT_ERROR(read(R"({"kind": "detr", "network": {"querys": 1}})"), "\"network\": unknown key \"querys\"");
}

}  // namespace
}  // namespace attend
