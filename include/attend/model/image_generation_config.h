#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/model/image_classifier_config.h"
#include "attend/nn/feature_attention.h"
#include "attend/op/size2.h"

namespace attend::model {

enum class ImageGenerationKind : std::uint8_t {
  vae,  ///< ImageVae
  gan,  ///< ImageGan
};

/// What the latent vectors of an autoencoder's pictures are drawn from.
enum class LatentPriorKind : std::uint8_t {
  standard,  ///< the normal distribution with mean 0 and variance 1, the prior of training
  fitted,    ///< LatentPrior: for each class, what the encoder says of the pictures learnt from
};

/// What a model that makes pictures is made of. The names are also the keys of its JSON object. Maps are
/// numbered by stages: 0 is the smallest, `stages` has the pictures' size; each has half the height and width
/// of the next, rounded up, and twice its channels.
struct ImageGenerationConfig {
  ImageGenerationKind kind = ImageGenerationKind::vae;
  std::int64_t height = 32, width = 32, channels = 3;  ///< of the pictures
  std::int64_t classes = 10;
  bool conditional = true;          ///< pictures are made of a class that is asked for
  std::int64_t latent = 32;         ///< normal numbers that a picture is made of
  std::int64_t stages = 2;          ///< times that maps are doubled
  std::int64_t base_channels = 32;  ///< of the maps with the pictures' size
  /// Attention over the generator's maps of `attention_stage`; of a GAN also over the discriminator's.
  nn::FeatureAttentionKind block = nn::FeatureAttentionKind::self;
  std::int64_t attention_stage = 1;
  double kl_weight = 1;                             ///< vae: of the divergence from the prior
  LatentPriorKind prior = LatentPriorKind::fitted;  ///< vae: what is sampled from
  std::int64_t discriminator_base_channels = 32;    ///< gan

  bool operator==(const ImageGenerationConfig&) const = default;

  PictureShape pictures() const {
    return {.height = height, .width = width, .channels = channels, .classes = classes};
  }
  void set_pictures(const PictureShape& shape) {
    height = shape.height;
    width = shape.width;
    channels = shape.channels;
    classes = shape.classes;
  }

  /// Height and width, and channels, of the maps of a stage.
  op::Size2 size_of(std::int64_t stage) const;
  std::int64_t channels_of(std::int64_t stage) const { return base_channels << (stages - stage); }
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const ImageGenerationConfig& config);
/// A JSON object with every key.
std::string to_json(const ImageGenerationConfig& config);
/// As encoder_config_from_json().
ImageGenerationConfig image_generation_config_from_json(std::string_view text,
                                                        std::string_view source = "config");

}  // namespace attend::model
