#pragma once

#include <vector>

#include "attend/data/detections.h"
#include "attend/explain/picture_maps.h"
#include "attend/model/detector.h"
#include "task/detect/data.h"
#include "task/picture_attention.h"

namespace attend::task {

/// What the model looked at: ObjectDetector::see().
struct DetectionAttention {
  const model::Detector& model;
  const DetectConfig& config;
  const FittedPicture& fitted;
  const AttentionWatcher& seen;  ///< of detecting in the fitted picture
  const io::Image& picture;
};

/// The map of all queries or proposals, and then one of each object, which are in pixels of the picture.
std::vector<explain::PictureMap> attention_maps(const DetectionAttention& attention,
                                                const std::vector<data::DetectedBox>& objects);

}  // namespace attend::task
