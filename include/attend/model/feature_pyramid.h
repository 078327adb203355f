#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/nn/convolution.h"
#include "attend/nn/feature_norm.h"
#include "attend/nn/residual_block.h"

namespace attend::model {

/// What a feature pyramid is made of. The names are also keys of the JSON object of a detector.
struct FeaturePyramidConfig {
  std::int64_t channels = 3;  ///< of the pictures
  std::int64_t width = 24;    ///< channels of the first stage; each stage has twice as many as the one before
  std::int64_t stages = 4;    ///< stage i, from 0, has maps with the stride 2^(i + 2)
  std::int64_t blocks = 1;    ///< residual blocks of a stage
  std::int64_t levels = 3;    ///< maps that come out: those of the last stages
  std::int64_t dim = 64;      ///< channels of each

  bool operator==(const FeaturePyramidConfig&) const = default;
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const FeaturePyramidConfig& config);

/// Feature maps of several sizes, all with as many channels (Lin et al., "Feature Pyramid Networks for Object
/// Detection", 2017): p_i = smooth_i(t_i), t_i = lateral_i(c_i) + upsampled(t_(i + 1)), by the nearest pixel,
/// where c_i are the maps of stages of nn::ResidualBlock behind a convolution of stride 2; each stage halves
/// height and width. Norms are group norms, which do not mind small batches (Wu and He, 2018).
class FeaturePyramid : public nn::Module {
 public:
  FeaturePyramid(const FeaturePyramidConfig& config, Generator& random);
  ~FeaturePyramid() override;

  /// pictures [batch, height, width, channels] to the maps [batch, height', width', dim], finest first; sizes
  /// are those of the pictures divided by the stride, rounded up.
  autograd::Tensors forward(const Tensor& pictures) const;
  /// Pixels of the pictures for one of each map, finest first.
  std::vector<std::int64_t> strides() const;

 private:
  FeaturePyramidConfig config_;
  std::unique_ptr<nn::Convolution> stem_;
  std::vector<std::unique_ptr<nn::ResidualBlock>> blocks_;
  std::vector<std::unique_ptr<nn::FeatureNorm>> norms_;
  std::vector<std::unique_ptr<nn::Convolution>> laterals_, smooth_;
};

}  // namespace attend::model
