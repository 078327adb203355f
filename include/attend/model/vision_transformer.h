#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attend/model/image_classifier.h"
#include "attend/nn/convolution.h"
#include "attend/nn/convolution_stem.h"
#include "attend/nn/linear.h"
#include "attend/nn/transformer_block.h"

namespace attend::model {

/// What the class is read from.
enum class PatchPooling : std::uint8_t {
  token,  ///< a learned token in front of the patches (Dosovitskiy et al., 2021)
  mean,   ///< the mean of all patches
};

/// How pixels become the features of a patch.
enum class PatchStem : std::uint8_t {
  linear,        ///< one linear map of its pixels (Dosovitskiy et al., 2021)
  convolutions,  ///< nn::ConvolutionStem, which sees past its edges; `patch` is a power of two
};

/// How a patch knows its place.
enum class PatchPositions : std::uint8_t {
  learned,
  sinusoidal,  ///< sines and cosines of the row in one half of the features, of the column in the other
};

/// What a vision transformer is made of. The names are also the keys of its JSON object.
struct VisionTransformerConfig {
  std::int64_t height = 32, width = 32;  ///< of the pictures; multiples of `patch`
  std::int64_t channels = 3;
  std::int64_t classes = 10;
  std::int64_t patch = 4;
  PatchStem stem = PatchStem::linear;
  std::int64_t layers = 6;
  std::int64_t heads = 3;
  std::int64_t dim = 192;
  std::int64_t feed_forward = 0;  ///< inner features; 0 means 4 dim
  PatchPooling pooling = PatchPooling::mean;
  PatchPositions positions = PatchPositions::learned;
  std::string attention = "scaled_dot";  ///< the name of a mechanism (attend/attention/mechanism.h)
  /// A further token, whose own head learns from another model (Touvron et al., "Training data-efficient
  /// image transformers & distillation through attention", 2021).
  bool distillation = false;
  double dropout = 0;  ///< of the embedding, the attention weights and each branch, in training

  std::int64_t patches() const { return (height / patch) * (width / patch); }

  bool operator==(const VisionTransformerConfig&) const = default;
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const VisionTransformerConfig& config);
/// A JSON object with every key.
std::string to_json(const VisionTransformerConfig& config);
/// As encoder_config_from_json().
VisionTransformerConfig vision_transformer_config_from_json(std::string_view text,
                                                            std::string_view source = "config");

/// What the heads of a vision transformer say, logits [batch, classes].
struct VisionTransformerLogits {
  Tensor labels;             ///< of the head that learns from labels
  Tensor distillation = {};  ///< of the head that learns from another model; undefined without one
};

/// A transformer over the patches of a picture (Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021).
/// The matrices of its blocks start with the variance 1 / inputs, those that end a branch with a 2 layers-th
/// of it.
class VisionTransformer : public ImageClassifier {
 public:
  explicit VisionTransformer(const VisionTransformerConfig& config, std::uint64_t seed = 0);

  const VisionTransformerConfig& config() const { return config_; }

  /// With a distillation token, the mean of both heads' logits.
  Tensor logits(const Tensor& pictures, const nn::Run& run = {}) const override;
  VisionTransformerLogits logits_of_heads(const Tensor& pictures, const nn::Run& run = {}) const;
  std::int64_t observed_layers() const override { return config_.layers; }

  /// Parameters in matrix products, a linear patch embedding among them.
  std::int64_t matmul_parameters() const;
  /// Of a training step, forward and backward, for each picture, as GPT's for its tokens.
  double training_flops() const;

 private:
  std::int64_t tokens_in_front() const;
  Tensor with_tokens_in_front(const Tensor& patches) const;
  Tensor patch_features(const Tensor& pictures, const nn::Run& run) const;

  VisionTransformerConfig config_;
  std::unique_ptr<nn::Convolution> patch_embedding_;
  std::unique_ptr<nn::ConvolutionStem> stem_;
  Tensor class_token_, distillation_token_, position_embedding_, sinusoids_;
  std::vector<std::unique_ptr<nn::TransformerBlock>> blocks_;
  std::unique_ptr<nn::Norm> norm_;
  std::unique_ptr<nn::Linear> head_, distillation_head_;
};

}  // namespace attend::model
