#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attend/data/detections.h"
#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::model {

/// A part of a detector's loss, such as "class" or "box", as it counts in the total.
struct DetectionLossPart {
  std::string name = {};
  double value = 0;
};

struct DetectionLoss {
  Tensor total;  ///< a scalar, f32 (f64 of a model in f64): the sum of the parts
  std::vector<DetectionLossPart> parts = {};
};

/// The objects of each picture of a batch.
using DetectionTargets = std::vector<std::vector<data::Box>>;
using Detections = std::vector<std::vector<data::DetectedBox>>;

struct DetectOptions {
  double score_threshold = 0.05;  ///< detections with a lower score are left out; 0 to 1
  /// Of two detections of one class whose IoU is above this, that with the lower score is left out; 0 to 1,
  /// where 1 leaves out none.
  double nms_threshold = 0.5;
  std::int64_t most = 100;  ///< detections of a picture, those with the highest scores; at least 1
};

/// Finds the objects in pictures. Boxes are in pixels of the pictures as they are given.
class Detector : public nn::Module {
 public:
  virtual std::int64_t classes() const = 0;
  /// Layers that an observer may ask for (nn::Run::observer).
  virtual std::int64_t observed_layers() const = 0;

  /// pictures: f32 [batch, height, width, channels]. targets: the boxes of each, perhaps none; what is not to
  /// be learnt from (difficult objects, crowds) is left out by the caller. What is sampled at random comes
  /// from run.random; without it, the same is sampled each time. Throws Error for pictures that do not fit,
  /// another number of targets, boxes without an inside or with numbers that are not finite, and labels that
  /// are not in [0, classes).
  virtual DetectionLoss loss(const Tensor& pictures, const DetectionTargets& targets,
                             const nn::Run& run = {}) const = 0;

  /// The objects of each picture, inside it, highest score first: the probability of the class. Off the tape.
  /// Throws Error for pictures and options that do not fit.
  virtual Detections detect(const Tensor& pictures, const DetectOptions& options = {},
                            const nn::Run& run = {}) const = 0;
};

}  // namespace attend::model
