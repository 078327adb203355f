#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attend/model/detector.h"
#include "attend/model/feature_pyramid.h"
#include "attend/nn/linear.h"
#include "attend/nn/norm.h"
#include "attend/nn/transformer_block.h"

namespace attend::model {

/// How object queries look at the picture.
enum class QueryAttention : std::uint8_t {
  modulated,  ///< about points of their boxes: nn::SpatiallyModulatedAttention
  plain,      ///< scaled dot product of features and positions, as the paper's (Carion et al., 2020)
};

/// What a detection transformer is made of. The names, and those of the pyramid, are also the keys of its
/// JSON object.
struct DetectionTransformerConfig {
  /// Its finest map is what the transformer reads, and `dim` is also the transformer's.
  FeaturePyramidConfig pyramid = {.levels = 3, .dim = 96};
  std::int64_t classes = 20;
  std::int64_t queries = 40;  ///< the most objects of a picture that can be found
  /// Sets of queries in training, each of which learns by itself and of which the first is used afterwards
  /// (Chen et al., "Group DETR", 2023).
  std::int64_t groups = 3;
  std::int64_t encoder_layers = 1;
  std::int64_t decoder_layers = 3;
  std::int64_t heads = 4;
  std::int64_t feed_forward = 0;  ///< inner features; 0 means 4 dim
  QueryAttention query_attention = QueryAttention::modulated;
  double no_object_weight = 0.1;  ///< of queries without an object in the loss of classes
  double dropout = 0;             ///< of each branch, in training

  bool operator==(const DetectionTransformerConfig&) const = default;
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const DetectionTransformerConfig& config);
/// A JSON object with every key.
std::string to_json(const DetectionTransformerConfig& config);
/// As encoder_config_from_json().
DetectionTransformerConfig detection_transformer_config_from_json(std::string_view text,
                                                                  std::string_view source = "config");

/// Object detection as the prediction of a set (Carion et al., "End-to-End Object Detection with
/// Transformers", 2020): a transformer encoder reads the places of a feature map with sinusoidal positions,
/// and object queries look at each other and at the places, layer by layer, and say a class or "no object",
/// and a box each.
///
/// Each query has a box of its own from the start, which every layer of the decoder refines and the next one
/// begins with (Liu et al., "DAB-DETR", 2022): box = sigmoid(logits of the box before + what the layer says),
/// where the box before is a constant to the gradient. Queries see where each other's boxes are.
///
/// The loss pairs queries and objects so that the sum of 2 (1 - p(class)) + 5 L1 - 2 GIoU is smallest, for
/// each layer of the decoder and each group by itself, and is the sum over layers of 2 cross entropy, 5 L1
/// and 2 (1 - GIoU) ("class", "box", "giou"), L1 of centres and sides in parts of the picture; those of boxes
/// are divided by the number of pairs.
///
/// An observer is told the layers of the encoder, then for each of the decoder the attention of queries to
/// each other, [batch, heads, queries, queries] (a group a row of the batch), and to the places,
/// [batch, heads, queries, places], row by row of memory_size().
class DetectionTransformer : public Detector {
 public:
  explicit DetectionTransformer(const DetectionTransformerConfig& config, std::uint64_t seed = 0);
  ~DetectionTransformer() override;

  const DetectionTransformerConfig& config() const { return config_; }
  std::int64_t classes() const override { return config_.classes; }
  std::int64_t observed_layers() const override {
    return config_.encoder_layers + 2 * config_.decoder_layers;
  }
  /// What an observer is told as the attention of queries to the places in a layer of the decoder, from 0.
  std::int64_t query_attention_layer(std::int64_t decoder_layer) const {
    return config_.encoder_layers + 2 * decoder_layer + 1;
  }

  DetectionLoss loss(const Tensor& pictures, const DetectionTargets& targets,
                     const nn::Run& run = {}) const override;
  Detections detect(const Tensor& pictures, const DetectOptions& options = {},
                    const nn::Run& run = {}) const override;

  struct MapSize {
    std::int64_t height = 0, width = 0;
  };
  /// Of the map that queries look at, for pictures of height x width.
  MapSize memory_size(std::int64_t height, std::int64_t width) const;

  /// What a layer of the decoder says; f32 (f64 of a model in f64).
  struct Prediction {
    Tensor logits;  ///< [batch, queries, classes + 1], the last class is "no object"
    Tensor boxes;   ///< [batch, queries, 4]: centre x, centre y, width, height in parts of the picture
  };
  /// Of each layer, first layer first, with the queries of the first `groups` groups.
  std::vector<Prediction> predict(const Tensor& pictures, std::int64_t groups = 1,
                                  const nn::Run& run = {}) const;

 private:
  class Layer;

  Tensor encoded(const Tensor& pictures, const nn::Run& run) const;

  DetectionTransformerConfig config_;
  std::unique_ptr<FeaturePyramid> pyramid_;
  std::vector<std::unique_ptr<nn::TransformerBlock>> encoder_;
  std::unique_ptr<nn::Norm> encoder_norm_, decoder_norm_;
  Tensor query_features_, query_boxes_;
  std::vector<std::unique_ptr<Layer>> decoder_;
  std::unique_ptr<nn::Linear> position_inner_, position_output_, class_head_, box_inner_, box_output_;
};

}  // namespace attend::model
