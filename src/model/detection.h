#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attend/base/random.h"
#include "attend/model/detector.h"
#include "attend/tensor/tensor.h"

/// What detectors share.
namespace attend::model {

/// Throws Error unless pictures are floating [batch, height, width, channels] and not empty.
void check_pictures(const Tensor& pictures, std::int64_t channels);
/// Throws Error as Detector::loss says.
void check_targets(const DetectionTargets& targets, const Tensor& pictures, std::int64_t classes);
void check(const DetectOptions& options);

/// The stream that samples of one loss come from.
RandomStream sampling_stream(const nn::Run& run);

/// The corners, [N, 4].
Tensor box_tensor(const std::vector<data::Box>& boxes, DType dtype);

/// Collects a loss.
class DetectionLossSum {
 public:
  /// A scalar of f32 or f64. A name that is there already is added to.
  void add(const std::string& name, const Tensor& value);
  DetectionLoss result() const { return loss_; }

 private:
  DetectionLoss loss_;
};

/// Those that the options leave, highest score first, clipped to a picture of height x width; what has no
/// inside there is left out. Equal scores stay in their order.
std::vector<data::DetectedBox> kept_detections(std::vector<data::DetectedBox> candidates, std::int64_t height,
                                               std::int64_t width, const DetectOptions& options);

/// sum of |d| - beta / 2 where |d| >= beta, d^2 / (2 beta) elsewhere (Girshick, "Fast R-CNN", 2015).
Tensor smooth_l1(const Tensor& difference, double beta);

/// Rows of x, [N, ...], by their numbers.
Tensor rows_of(const Tensor& x, const std::vector<std::int64_t>& rows);

}  // namespace attend::model
