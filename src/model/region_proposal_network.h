#pragma once

#include <cstdint>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/model/two_stage_detector.h"
#include "attend/nn/convolution.h"
#include "model/detection.h"

namespace attend::model {

/// The first stage of a two-stage detector: a convolution "shared" with ReLU, and the layers "objectness" and
/// "deltas", the same for the maps of all levels.
class RegionProposalNetwork : public nn::Module {
 public:
  RegionProposalNetwork(const TwoStageDetectorConfig& config, std::vector<std::int64_t> strides,
                        Generator& random);

  struct PictureSize {
    std::int64_t height = 0, width = 0;
  };
  /// Of the N anchors of all levels, finest first; f32 (f64 of maps in f64).
  struct Output {
    Tensor scores;   ///< logits of showing an object, [batch, N]
    Tensor deltas;   ///< [batch, N, 4]
    Tensor anchors;  ///< corners, [N, 4]
    std::vector<std::int64_t> level_sizes;
  };
  Output forward(const autograd::Tensors& maps) const;

  /// See TwoStageDetector::propose.
  std::vector<Tensor> propose(const Output& output, const PictureSize& size) const;

  /// Adds "objectness" and "proposal".
  void add_loss(DetectionLossSum& sum, const Output& output, const DetectionTargets& targets,
                const RandomStream& random) const;

 private:
  TwoStageDetectorConfig config_;
  std::vector<std::int64_t> strides_;
  nn::Convolution shared_, objectness_, deltas_;
};

}  // namespace attend::model
