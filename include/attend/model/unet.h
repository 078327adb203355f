#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attend/nn/convolution.h"
#include "attend/nn/feature_attention.h"
#include "attend/nn/feature_norm.h"
#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::model {

/// What a U-Net is made of. The names are also the keys of its JSON object.
struct UNetConfig {
  std::int64_t channels = 3;  ///< of the pictures
  std::int64_t classes = 2;
  std::int64_t width = 16;  ///< channels of the finest level; each level has twice as many as the one above
  std::int64_t levels = 4;  ///< each but the first halves height and width
  std::int64_t blocks = 0;  ///< residual blocks of a level on the way down; 0: two convolutions
  /// Ends each residual branch, or the two convolutions.
  nn::FeatureAttentionKind block = nn::FeatureAttentionKind::none;
  nn::FeatureNormKind norm = nn::FeatureNormKind::group;
  std::int64_t norm_groups = 8;  ///< of a group norm; they divide the width
  bool gates = true;             ///< attention gates (nn::AttentionGate) on the skip connections
  double dropout = 0;            ///< of the coarsest maps, in training

  /// Height and width of pictures are multiples of this: 2^(levels - 1).
  std::int64_t stride() const { return std::int64_t{1} << (levels - 1); }
  /// Layers of a level on the way down that `block` ends.
  std::int64_t blocks_of_level() const { return blocks == 0 ? 1 : blocks; }

  bool operator==(const UNetConfig&) const = default;
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const UNetConfig& config);
/// A JSON object with every key.
std::string to_json(const UNetConfig& config);
/// As encoder_config_from_json().
UNetConfig unet_config_from_json(std::string_view text, std::string_view source = "config");

class ResidualCnn;
class DownLevel;
class UpLevel;

/// A network that gives each pixel a class (Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for
/// Biomedical Image Segmentation", 2015), with attention gates by choice (Oktay et al., "Attention U-Net",
/// 2018):
///
///     x_0 = block(pictures),  x_l = block(pool(x_{l-1}))           down; the largest of 2 x 2
///     u = conv(upsample(y_{l+1})),  y_l = block([gate(x_l, y_{l+1}), u])     up; y of the coarsest is x
///     logits = 1 x 1 convolution of y_0
///
/// block is twice a 3 x 3 convolution, a norm and ReLU, on the way down with attention over the maps by
/// choice (`block`); conv one of these; upsampling is bilinear. Unlike the first U-Net, convolutions are
/// padded, so logits are as large as the picture.
///
/// With residual blocks (`blocks`), most of the work is on the way down, where classes are told apart, and
/// less on the way up (as in Zhang, Liu and Wang, "Road Extraction by Deep Residual U-Net", 2018):
///
///     r_0 = residual(conv3(pictures)),  r_l = residual(r_{l-1})    down; nn::ResidualBlock, the first of a
///     x_l = relu(norm(r_l))                                        level, but of the finest, with stride 2
///     u = upsample(conv1(y_{l+1})),  y_l = conv([gate(x_l, y_{l+1}), u])     up; y of the coarsest is x
///
/// where conv3 and conv1 are convolutions of 3 x 3 and 1 x 1 places alone.
class UNet : public nn::Module {
 public:
  explicit UNet(const UNetConfig& config, std::uint64_t seed = 0);
  ~UNet() override;

  const UNetConfig& config() const { return config_; }

  /// pictures: f32 [batch, height, width, channels], height and width multiples of config().stride(). Logits
  /// [batch, height, width, classes] of the compute dtype. Throws Error for pictures that do not fit.
  Tensor logits(const Tensor& pictures, const nn::Run& run = {}) const;

  /// Copies the weights of a classifier into the way down, which has the same layers: those of its stages
  /// into as many levels, or into all that there are. The rest stays as it is. Throws Error naming the key
  /// that does not fit: channels, width, blocks and block are those of the classifier, and norm is batch.
  void start_from(const ResidualCnn& classifier);

  /// Layers that an observer may ask for: layer i is the gate of level i, 0 the finest; then comes what ends
  /// the blocks of the way down, level by level from the finest.
  std::int64_t observed_layers() const;
  std::int64_t observed_gates() const { return config_.gates ? config_.levels - 1 : 0; }

 private:
  UNetConfig config_;
  std::vector<std::unique_ptr<DownLevel>> down_;
  std::vector<std::unique_ptr<UpLevel>> up_;  // up_[i] makes level i
  std::unique_ptr<nn::Convolution> head_;
};

}  // namespace attend::model
