#include "attend/model/image_classifier_config.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "model/config_json.h"
#include "model/trunk_weights.h"

namespace attend::model {

namespace {

constexpr IntegerRange kSide{1, 1 << 16};

bool is_cnn(const ImageClassifierConfig& config) {
  return config.kind == "cnn";
}

ImageClassifierConfig config_of(const Json& object) {
  if (!object.is_object()) throw Error("a JSON object needed");
  ImageClassifierConfig config;
  for (const auto& [key, value] : object.items()) {
    if (key == "kind") {
      if (!value.is_string()) fail_value(key, value, "\"cnn\" or \"vit\"");
      config.kind = value.get<std::string>();
    } else if (key == "height") {
      config.height = parse(key, value, kSide);
    } else if (key == "width") {
      config.width = parse(key, value, kSide);
    } else if (key != "network") {
      fail_unknown(key, {"kind", "height", "width", "network"});
    }
  }
  if (!object.contains("network")) throw Error("no \"network\"");
  const std::string network = object["network"].dump();
  if (is_cnn(config))
    config.cnn = residual_cnn_config_from_json(network, "\"network\"");
  else
    config.vit = vision_transformer_config_from_json(network, "\"network\"");
  validate(config);
  return config;
}

}  // namespace

PictureShape ImageClassifierConfig::pictures() const {
  return {.height = height,
          .width = width,
          .channels = is_cnn(*this) ? cnn.channels : vit.channels,
          .classes = is_cnn(*this) ? cnn.classes : vit.classes};
}

void ImageClassifierConfig::set_pictures(const PictureShape& shape) {
  height = vit.height = shape.height;
  width = vit.width = shape.width;
  cnn.channels = vit.channels = shape.channels;
  cnn.classes = vit.classes = shape.classes;
}

bool ImageClassifierConfig::operator==(const ImageClassifierConfig& other) const {
  return kind == other.kind && height == other.height && width == other.width &&
         (is_cnn(*this) ? cnn == other.cnn : vit == other.vit);
}

void validate(const ImageClassifierConfig& config) {
  kSide.check("height", config.height);
  kSide.check("width", config.width);
  if (is_cnn(config)) return validate(config.cnn);
  if (config.kind != "vit") throw Error(fmt::format("kind {}: cnn or vit needed", config.kind));
  validate(config.vit);
  if (config.vit.height != config.height || config.vit.width != config.width)
    throw Error(fmt::format("pictures of {} x {} for a network of {} x {}", config.height, config.width,
                            config.vit.height, config.vit.width));
}

std::string to_json(const ImageClassifierConfig& config) {
  const Json object = {{"kind", config.kind},
                       {"height", config.height},
                       {"width", config.width},
                       {"network", Json::parse(is_cnn(config) ? to_json(config.cnn) : to_json(config.vit))}};
  return object.dump(2);
}

ImageClassifierConfig image_classifier_config_from_json(std::string_view text, std::string_view source) {
  try {
    return config_of(Json::parse(text));
  } catch (const Json::exception&) {
    throw Error(fmt::format("{}: not valid JSON", source));
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", source, error.what()));
  }
}

std::unique_ptr<ImageClassifier> make_image_classifier(const ImageClassifierConfig& config,
                                                       std::uint64_t seed) {
  validate(config);
  if (is_cnn(config)) return std::make_unique<ResidualCnn>(config.cnn, seed);
  return std::make_unique<VisionTransformer>(config.vit, seed);
}

void start_from(const ImageClassifier& network, const ImageClassifierConfig& config,
                const ImageClassifier& other, const ImageClassifierConfig& other_config) {
  const Json own = Json::parse(to_json(config)), found = Json::parse(to_json(other_config));
  check_same("kind", own["kind"].dump(), found["kind"].dump());
  for (const auto& [key, value] : own["network"].items())
    if (key != "classes" && key != "dropout") check_same(key, value.dump(), found["network"][key].dump());
  copy_weights(other, network, [](std::string_view name) {
    const bool tells_classes = name.starts_with("head.") || name.starts_with("distillation_head.");
    return tells_classes ? std::string() : std::string(name);
  });
}

}  // namespace attend::model
