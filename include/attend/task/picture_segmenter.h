#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attend/explain/picture_maps.h"
#include "attend/io/image.h"
#include "attend/metric/segmentation.h"
#include "attend/task/segment.h"

namespace attend::task {

/// How well a model segments the pictures of a set.
struct SegmentEvaluation {
  std::int64_t pictures = 0, skipped = 0;
  double loss = 0;  ///< cross entropy, nats per pixel
  metric::SegmentationScore score = {};
};

/// A trained model of the task "segment", to be used.
class PictureSegmenter {
 public:
  /// Reads a model folder. `precision` is f32, bf16 (weights and computation), or auto: bf16 where the
  /// processor has it. Throws Error naming the file for a folder that is no model of this task, and damaged
  /// or misfit weights (NaN included).
  explicit PictureSegmenter(const std::filesystem::path& folder, std::string_view precision = "f32");
  ~PictureSegmenter();
  PictureSegmenter(PictureSegmenter&&) noexcept;
  PictureSegmenter& operator=(PictureSegmenter&&) noexcept;

  const SegmentConfig& config() const;
  const model::UNet& model() const;
  const std::vector<std::string>& classes() const;

  /// The class of each pixel of a picture of any size: [height, width, 1].
  io::Image segment(const io::Image& picture) const;

  /// Where the model looked: the attention gate of each level (what it multiplies each place of the maps that
  /// skip the coarser levels by), if it has gates, what attention of the kind cbam multiplies places of the
  /// way down by, and the probability of each class but the first.
  explain::PictureMaps see(const io::Image& picture) const;

  /// Measures on a data set (SegmentJob::data says which there are) with the classes of this model.
  SegmentEvaluation evaluate(const std::filesystem::path& data, bool skip_bad = false) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace attend::task
