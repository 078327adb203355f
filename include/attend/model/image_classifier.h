#pragma once

#include <cstdint>
#include <memory>

#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::model {

/// Says which of some classes a picture shows.
class ImageClassifier : public nn::Module {
 public:
  /// pictures: f32 [batch, height, width, channels]. Logits [batch, classes] of the compute dtype. In
  /// training, norms of batches update what they keep (nn::BatchNorm). Throws Error for pictures that do not
  /// fit.
  virtual Tensor logits(const Tensor& pictures, const nn::Run& run = {}) const = 0;
  /// Layers that an observer may ask for (nn::Run::observer).
  virtual std::int64_t observed_layers() const = 0;
};

}  // namespace attend::model
