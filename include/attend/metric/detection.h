#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "attend/data/detections.h"

namespace attend::metric {

/// How well boxes are found, as COCO measures it (Lin et al., "Microsoft COCO: Common Objects in Context",
/// 2014; pycocotools). All are from 0 to 1, and -1 where nothing is expected.
struct DetectionScore {
  /// The mean over classes and over the thresholds 0.50, 0.55 ... 0.95 of the intersection over union (IoU)
  /// that makes a box right, of the average precision: the precision, made to never rise with recall, at the
  /// recalls 0, 0.01 ... 1.
  double ap = -1;
  /// At one threshold.
  double ap50 = -1, ap75 = -1;
  /// Of objects of an area up to 32^2, from there to 96^2, and from there on.
  double ap_small = -1, ap_medium = -1, ap_large = -1;
  /// The mean over classes and thresholds of the recall with the 1, 10 or 100 most sure boxes of each picture
  /// and class.
  double ar1 = -1, ar10 = -1, ar100 = -1;
  /// With 100, of those areas.
  double ar_small = -1, ar_medium = -1, ar_large = -1;
  /// `ap` and `ap50` of each class.
  std::vector<double> ap_by_class = {}, ap50_by_class = {};

  /// The twelve lines that pycocotools prints.
  std::string text() const;
};

/// Compares picture by picture, the boxes of each class by themselves. In the order of their scores, boxes
/// take the object with the largest IoU that is not taken yet and reaches the threshold. Any number of boxes
/// may take a crowd, where the IoU is the share of the box that is in it. Boxes that take a crowd, a
/// difficult object or one of another area than is measured are left out, as are those that take nothing and
/// are of another area. The 100 most sure boxes of a picture and class count; of equal scores the first is
/// more sure.
///
/// Labels are numbers from 0 below `classes`. Throws Error when the numbers of pictures differ, for a label
/// out of range, a box without an inside, an area below 0 and a score that is NaN, each naming the picture.
DetectionScore detection_score(std::span<const std::vector<data::AnnotatedBox>> expected,
                               std::span<const std::vector<data::DetectedBox>> predicted,
                               std::int64_t classes);

}  // namespace attend::metric
