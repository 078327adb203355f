#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/detections.h"
#include "attend/explain/picture_maps.h"
#include "attend/io/image.h"
#include "attend/metric/detection.h"
#include "attend/task/detect.h"

namespace attend::task {

/// How well a model finds the objects in the pictures of a set.
struct DetectEvaluation {
  std::int64_t pictures = 0, skipped = 0;
  std::int64_t objects = 0;  ///< that are to be found: no crowds, no difficult ones
  double loss = 0;           ///< model::DetectionLoss, the mean over pictures in batches of 8
  metric::DetectionScore score = {};
};

/// A trained model of the task "detect", to be used.
class ObjectDetector {
 public:
  /// Reads a model folder. `precision` is f32, bf16 (weights and computation), or auto: bf16 where the
  /// processor has it. Throws Error naming the file for a folder that is no model of this task, and damaged
  /// or misfit weights (NaN included).
  explicit ObjectDetector(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~ObjectDetector();
  ObjectDetector(ObjectDetector&&) noexcept;
  ObjectDetector& operator=(ObjectDetector&&) noexcept;

  const DetectConfig& config() const;
  const model::Detector& model() const;
  const std::vector<std::string>& classes() const;

  /// The objects of a picture of any size with at least this score, the most certain first: boxes in its
  /// pixels, inside it. Throws Error for a threshold outside 0 to 1.
  std::vector<data::DetectedBox> detect(const io::Image& picture, double threshold = 0.5) const;

  /// Where the model looked, with the objects that detect() finds drawn into the picture: a map for each of
  /// them, the 12 most certain at most. Of a detection transformer, the attention of the object's query to
  /// places in the last layer, mean over heads; of a two-stage detector, the attention of the pooling queries
  /// in the proposal whose box has the largest IoU with the object's, mean over queries and heads. The first
  /// map is of all queries together, or says how many of the proposals cover a place. Each is divided by its
  /// largest value.
  explain::PictureMaps see(const io::Image& picture, double threshold = 0.5) const;

  /// Measures on a data set with the classes of this model; objects are compared in pixels of the pictures as
  /// they are in their files. Without a list, a folder's test.txt is its list, val.txt where there is none,
  /// there or in ImageSets/Main, and all pictures are taken where there is neither.
  DetectEvaluation evaluate(const DetectionSource& source, bool skip_bad = false) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace attend::task
