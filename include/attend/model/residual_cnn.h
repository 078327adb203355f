#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/model/image_classifier.h"
#include "attend/nn/batch_norm.h"
#include "attend/nn/convolution.h"
#include "attend/nn/feature_attention.h"
#include "attend/nn/linear.h"
#include "attend/nn/residual_block.h"
#include "attend/nn/spatial_transformer.h"

namespace attend::model {

/// What a residual network is made of. The names are also the keys of its JSON object.
struct ResidualCnnConfig {
  std::int64_t channels = 3;  ///< of the pictures
  std::int64_t classes = 10;
  std::int64_t width = 16;  ///< channels of the first stage; each stage has twice as many as the one before
  std::int64_t stages = 3;  ///< each but the first halves height and width
  std::int64_t blocks = 2;  ///< residual blocks of a stage
  nn::FeatureAttentionKind block = nn::FeatureAttentionKind::none;  ///< ends each residual branch
  std::int64_t reduction = 8;  ///< nn::FeatureAttentionOptions::reduction
  std::int64_t window = 7;     ///< nn::FeatureAttentionOptions::window; shifted in every other block
  /// nn::SpatialTransformer in front: the network reads the part of the picture that it chooses. Its layer,
  /// for the observer, comes after those of the blocks.
  bool spatial_transformer = false;
  double dropout = 0;  ///< of the features that the last layer reads, in training

  bool operator==(const ResidualCnnConfig&) const = default;
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const ResidualCnnConfig& config);
/// A JSON object with every key.
std::string to_json(const ResidualCnnConfig& config);
/// As encoder_config_from_json().
ResidualCnnConfig residual_cnn_config_from_json(std::string_view text, std::string_view source = "config");

/// A residual network: a 3 x 3 convolution, stages of nn::ResidualBlock with batch norms, a batch norm with
/// ReLU, the mean over all places, and a linear layer.
class ResidualCnn : public ImageClassifier {
 public:
  explicit ResidualCnn(const ResidualCnnConfig& config, std::uint64_t seed = 0);
  ~ResidualCnn() override;

  const ResidualCnnConfig& config() const { return config_; }

  Tensor logits(const Tensor& pictures, const nn::Run& run = {}) const override;
  std::int64_t observed_layers() const override;

  /// One convolution of a forward pass: square kernels of odd size over maps of height x width, with as much
  /// padding as keeps the size when the stride is 1.
  struct ConvolutionSize {
    std::int64_t in = 0, out = 0, kernel = 0, stride = 1, height = 0, width = 0;

    /// Of the forward pass over one picture.
    double flops() const;
  };
  /// All of them, in their order, for pictures of height x width.
  std::vector<ConvolutionSize> convolutions(std::int64_t height, std::int64_t width) const;

  /// The maps before the mean over places, [batch, height', width', channels'], and the logits of such maps.
  Tensor features(const Tensor& pictures, const nn::Run& run = {}) const;
  Tensor logits_of(const Tensor& features, const nn::Run& run = {}) const;
  /// The maps behind each stage, [batch, height', width', channels'], before any norm; the largest first.
  autograd::Tensors stage_maps(const Tensor& pictures, const nn::Run& run = {}) const;

 private:
  ResidualCnnConfig config_;
  std::unique_ptr<nn::SpatialTransformer> transformer_;
  std::unique_ptr<nn::Convolution> stem_;
  std::vector<std::unique_ptr<nn::ResidualBlock>> blocks_;
  std::unique_ptr<nn::BatchNorm> norm_;
  std::unique_ptr<nn::Linear> head_;
};

}  // namespace attend::model
