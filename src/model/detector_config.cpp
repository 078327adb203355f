#include "attend/model/detector_config.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "attend/base/error.h"
#include "model/config_json.h"

namespace attend::model {

namespace {

bool is_two_stage(const DetectorConfig& config) {
  return config.kind == "two_stage";
}

bool is_transformer(const DetectorConfig& config) {
  return config.kind == "detr";
}

[[noreturn]] void fail_kind(const std::string& kind) {
  throw Error(fmt::format("kind {}: two_stage or detr needed", kind));
}

DetectorConfig two_stage(std::int64_t width, double anchor_scale) {
  DetectorConfig config;
  config.two_stage.pyramid = {.width = width, .dim = 64};
  config.two_stage.anchor_scale = anchor_scale;
  return config;
}

DetectorConfig transformer(std::int64_t width, std::int64_t levels, std::int64_t dim) {
  DetectorConfig config;
  config.kind = "detr";
  config.transformer.pyramid = {.width = width, .levels = levels, .dim = dim};
  return config;
}

const std::array<std::pair<const char*, DetectorConfig>, 4>& presets() {
  static const std::array<std::pair<const char*, DetectorConfig>, 4> all = {
      {{"two_stage-tiny", two_stage(16, 3)},
       {"two_stage-small", two_stage(24, 4)},
       {"detr-tiny", transformer(16, 3, 96)},
       {"detr-small", transformer(24, 2, 128)}}};
  return all;
}

DetectorConfig config_of(const Json& object) {
  if (!object.is_object()) throw Error("a JSON object needed");
  DetectorConfig config;
  for (const auto& [key, value] : object.items()) {
    if (key == "kind") {
      if (!value.is_string()) fail_value(key, value, "\"two_stage\" or \"detr\"");
      config.kind = value.get<std::string>();
    } else if (key != "network") {
      fail_unknown(key, {"kind", "network"});
    }
  }
  if (!object.contains("network")) throw Error("no \"network\"");
  if (!is_two_stage(config) && !is_transformer(config)) fail_kind(config.kind);
  const std::string network = object["network"].dump();
  if (is_two_stage(config))
    config.two_stage = two_stage_detector_config_from_json(network, "\"network\"");
  else
    config.transformer = detection_transformer_config_from_json(network, "\"network\"");
  validate(config);
  return config;
}

}  // namespace

std::int64_t DetectorConfig::classes() const {
  return is_two_stage(*this) ? two_stage.classes : transformer.classes;
}

std::int64_t DetectorConfig::channels() const {
  return is_two_stage(*this) ? two_stage.pyramid.channels : transformer.pyramid.channels;
}

void DetectorConfig::set_data(std::int64_t classes, std::int64_t channels) {
  two_stage.classes = transformer.classes = classes;
  two_stage.pyramid.channels = transformer.pyramid.channels = channels;
}

bool DetectorConfig::operator==(const DetectorConfig& other) const {
  return kind == other.kind &&
         (is_two_stage(*this) ? two_stage == other.two_stage : transformer == other.transformer);
}

DetectorConfig detector_preset(std::string_view name) {
  std::string known;
  for (const auto& [preset, config] : presets()) {
    if (name == preset) return config;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", preset);
  }
  throw Error(fmt::format("unknown detector '{}': there are {}", name, known));
}

void validate(const DetectorConfig& config) {
  if (is_two_stage(config)) return validate(config.two_stage);
  if (!is_transformer(config)) fail_kind(config.kind);
  validate(config.transformer);
}

std::string to_json(const DetectorConfig& config) {
  const Json object = {{"kind", config.kind},
                       {"network", Json::parse(is_two_stage(config) ? to_json(config.two_stage)
                                                                    : to_json(config.transformer))}};
  return object.dump(2);
}

DetectorConfig detector_config_from_json(std::string_view text, std::string_view source) {
  try {
    return config_of(Json::parse(text));
  } catch (const Json::exception&) {
    throw Error(fmt::format("{}: not valid JSON", source));
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", source, error.what()));
  }
}

std::unique_ptr<Detector> make_detector(const DetectorConfig& config, std::uint64_t seed) {
  validate(config);
  if (is_two_stage(config)) return std::make_unique<TwoStageDetector>(config.two_stage, seed);
  return std::make_unique<DetectionTransformer>(config.transformer, seed);
}

}  // namespace attend::model
