#pragma once

#include <vector>

#include "attend/attention/observe.h"
#include "attend/data/detection_images.h"
#include "attend/data/detections.h"
#include "attend/model/detector.h"
#include "attend/task/object_detector.h"
#include "task/detect/data.h"

namespace attend::task {

/// The objects of a picture as fitted() makes it, boxes in pixels of the picture itself. `observer` may be
/// null.
std::vector<data::DetectedBox> objects_of(const model::Detector& model, const io::Image& picture,
                                          const FittedPicture& fitted, const DetectConfig& config,
                                          const model::DetectOptions& options,
                                          attention::Observer* observer = nullptr);

/// Boxes count from a score of 0.01 on, 100 of a picture at most. Throws Error when there is no picture.
DetectEvaluation evaluate(const model::Detector& model, const data::DetectionImages& images,
                          const DetectConfig& config, DType compute);

}  // namespace attend::task
