#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "attend/model/residual_cnn.h"
#include "attend/model/vision_transformer.h"

namespace attend::model {

/// What a classifier's pictures are: those of a data set.
struct PictureShape {
  std::int64_t height = 0, width = 0, channels = 0, classes = 0;

  bool operator==(const PictureShape&) const = default;
};

/// One of the networks that classify pictures.
struct ImageClassifierConfig {
  std::string kind = "cnn";              ///< "cnn" or "vit"
  ResidualCnnConfig cnn = {};            ///< when the kind is "cnn"
  VisionTransformerConfig vit = {};      ///< when the kind is "vit"
  std::int64_t height = 32, width = 32;  ///< that pictures are given with

  PictureShape pictures() const;
  void set_pictures(const PictureShape& shape);

  bool operator==(const ImageClassifierConfig& other) const;
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const ImageClassifierConfig& config);
/// A JSON object: kind, height, width, and the network's own keys under "network".
std::string to_json(const ImageClassifierConfig& config);
/// As encoder_config_from_json().
ImageClassifierConfig image_classifier_config_from_json(std::string_view text,
                                                        std::string_view source = "config");

/// The network, with weights drawn from the seed.
std::unique_ptr<ImageClassifier> make_image_classifier(const ImageClassifierConfig& config,
                                                       std::uint64_t seed = 0);

/// Copies all weights but those of the last layer, which tells the classes, of one network into another.
/// Throws Error naming what differs between the two, but for classes and dropout (for a residual network,
/// sizes of pictures, too); then nothing has changed.
void start_from(const ImageClassifier& network, const ImageClassifierConfig& config,
                const ImageClassifier& other, const ImageClassifierConfig& other_config);

}  // namespace attend::model
