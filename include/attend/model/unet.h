#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attend/nn/convolution.h"
#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::model {

enum class FeatureNormKind : std::uint8_t {
  batch,  ///< nn::BatchNorm
  group,  ///< nn::GroupNorm: the same whatever else is in the batch
};

/// What a U-Net is made of. The names are also the keys of its JSON object.
struct UNetConfig {
  std::int64_t channels = 3;  ///< of the pictures
  std::int64_t classes = 2;
  std::int64_t width = 16;  ///< channels of the finest level; each level has twice as many as the one above
  std::int64_t levels = 4;  ///< each but the first halves height and width
  FeatureNormKind norm = FeatureNormKind::group;
  std::int64_t norm_groups = 8;  ///< of a group norm; they divide the width
  bool gates = true;             ///< attention gates (nn::AttentionGate) on the skip connections
  double dropout = 0;            ///< of the coarsest maps, in training

  /// Height and width of pictures are multiples of this: 2^(levels - 1).
  std::int64_t stride() const { return std::int64_t{1} << (levels - 1); }

  bool operator==(const UNetConfig&) const = default;
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const UNetConfig& config);
/// A JSON object with every key.
std::string to_json(const UNetConfig& config);
/// As encoder_config_from_json().
UNetConfig unet_config_from_json(std::string_view text, std::string_view source = "config");

/// A network that gives each pixel a class (Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for
/// Biomedical Image Segmentation", 2015), with attention gates by choice (Oktay et al., "Attention U-Net",
/// 2018):
///
///     x_0 = block(pictures),  x_l = block(pool(x_{l-1}))           down; the largest of 2 x 2
///     u = conv(upsample(y_{l+1})),  y_l = block([gate(x_l, y_{l+1}), u])     up; y of the coarsest is x
///     logits = 1 x 1 convolution of y_0
///
/// block is twice a 3 x 3 convolution, a norm and ReLU; conv one of these; upsampling is bilinear. Unlike the
/// first U-Net, convolutions are padded, so logits are as large as the picture.
class UNet : public nn::Module {
 public:
  explicit UNet(const UNetConfig& config, std::uint64_t seed = 0);
  ~UNet() override;

  const UNetConfig& config() const { return config_; }

  /// pictures: f32 [batch, height, width, channels], height and width multiples of config().stride(). Logits
  /// [batch, height, width, classes] of the compute dtype. Throws Error for pictures that do not fit.
  Tensor logits(const Tensor& pictures, const nn::Run& run = {}) const;

  /// Layers that an observer may ask for: layer i is the gate of level i, 0 the finest.
  std::int64_t observed_layers() const { return config_.gates ? config_.levels - 1 : 0; }

 private:
  class Unit;
  class Block;
  class Up;

  UNetConfig config_;
  std::vector<std::unique_ptr<Block>> down_;
  std::vector<std::unique_ptr<Up>> up_;  // up_[i] makes level i
  std::unique_ptr<nn::Convolution> head_;
};

}  // namespace attend::model
