#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "attend/model/detection_transformer.h"
#include "attend/model/two_stage_detector.h"

namespace attend::model {

/// One of the networks that find objects.
struct DetectorConfig {
  std::string kind = "two_stage";               ///< "two_stage" or "detr"
  TwoStageDetectorConfig two_stage = {};        ///< when the kind is "two_stage"
  DetectionTransformerConfig transformer = {};  ///< when the kind is "detr"

  /// Classes and channels of the pictures.
  std::int64_t classes() const;
  std::int64_t channels() const;
  /// Sets them in both networks.
  void set_data(std::int64_t classes, std::int64_t channels);

  bool operator==(const DetectorConfig& other) const;
};

/// Networks for training on a processor: "two_stage-tiny" and "detr-tiny" for pictures of about 160 x 120
/// pixels, "two_stage-small" and "detr-small" for about 320 x 240. Throws Error naming the accepted names.
DetectorConfig detector_preset(std::string_view name);

/// Throws Error naming the keys and numbers that do not fit.
void validate(const DetectorConfig& config);
/// A JSON object: kind, and the network's own keys under "network".
std::string to_json(const DetectorConfig& config);
/// As encoder_config_from_json().
DetectorConfig detector_config_from_json(std::string_view text, std::string_view source = "config");

/// The network, with weights drawn from the seed.
std::unique_ptr<Detector> make_detector(const DetectorConfig& config, std::uint64_t seed = 0);

}  // namespace attend::model
