#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/model/two_stage_detector.h"
#include "attend/nn/convolution.h"
#include "attend/nn/cross_attention.h"
#include "attend/nn/linear.h"
#include "attend/nn/transformer_block.h"
#include "model/detection.h"

namespace attend::model {

/// The second stage of a two-stage detector. The places of a region go through the convolution "convolution"
/// with ReLU and get "place_embedding"; "queries" look at them by "pooling", all answers together become the
/// region's features by "merge" with ReLU; "regions.I" are transformer blocks over the regions of a picture;
/// "class_head" and "box_head" say the rest.
class RoiHead : public nn::Module {
 public:
  RoiHead(const TwoStageDetectorConfig& config, std::vector<std::int64_t> strides, Generator& random);

  /// Of the R regions of all pictures, one after the other; f32 (f64 of maps in f64).
  struct Output {
    Tensor logits;  ///< [R, classes + 1]; the last class is background
    Tensor deltas;  ///< [R, 4]
  };
  /// regions: corners in pixels [count, 4] of each picture, count at least 1.
  Output forward(const autograd::Tensors& maps, const std::vector<Tensor>& regions, const nn::Run& run) const;

  /// Corners for regions [R, 4] and their deltas; differentiable.
  Tensor boxes_of(const Tensor& regions, const Tensor& deltas) const;

  /// Regions to learn from: of each picture some of the proposals and objects, and what they are to say.
  struct Sample {
    std::vector<Tensor> regions;
    std::vector<std::int64_t> labels;  ///< of all regions
    std::vector<std::int64_t> rows;    ///< of those on objects
    Tensor boxes;                      ///< of their objects, [rows, 4]; undefined without any
  };
  Sample sample(const std::vector<Tensor>& proposals, const DetectionTargets& targets,
                const RandomStream& random) const;
  /// Adds "class" and "box".
  void add_loss(DetectionLossSum& sum, const Output& output, const Sample& sample) const;

  /// The level whose anchors have about the size of a box of this area.
  std::size_t level_of(double area) const;

 private:
  Tensor pooled(const autograd::Tensors& maps, const std::vector<Tensor>& regions) const;
  Tensor features_of_regions(const Tensor& places, const nn::Run& run) const;
  Tensor related(const Tensor& features, const std::vector<Tensor>& regions, const nn::Run& run) const;

  TwoStageDetectorConfig config_;
  std::vector<std::int64_t> strides_;
  nn::Convolution convolution_;
  Tensor place_embedding_, queries_;
  nn::CrossAttention pooling_;
  nn::Linear merge_;
  std::vector<std::unique_ptr<nn::TransformerBlock>> blocks_;
  std::unique_ptr<nn::Norm> norm_;
  nn::Linear class_head_, box_head_;
};

}  // namespace attend::model
