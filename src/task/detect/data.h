#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "attend/base/random.h"
#include "attend/data/augment.h"
#include "attend/data/detection_images.h"
#include "attend/model/detector.h"
#include "attend/task/detect.h"
#include "attend/tensor/tensor.h"

namespace attend::task {

/// The first NAME.txt there is in a folder of Pascal VOC or its ImageSets/Main; empty: none.
std::filesystem::path list_in(const std::filesystem::path& folder, const std::vector<std::string>& names);

/// What the source describes, with `classes` and no others if they are given. Throws Error naming the file.
data::DetectionImages open_detection_images(const DetectionSource& source, bool skip_bad,
                                            const std::vector<std::string>& classes = {});

/// Objects that are learnt from and are to be found: no crowds and difficult ones.
std::int64_t objects_in(const data::DetectionImages& images);

/// A number that changes when a name of a picture or a class does, or a box.
std::uint64_t checksum_of(const data::DetectionImages& images);

/// The size whose longer side is `longer`, in the proportions of a picture.
PictureSize size_in_proportion(const io::Image& picture, std::int64_t longer);

/// A picture as the network sees it: resized in its proportions until it fits config.size, in the upper left
/// corner.
struct FittedPicture {
  data::Scene scene;
  /// Of what the picture covers.
  std::int64_t height = 0, width = 0;
};
FittedPicture fitted(data::Scene scene, const DetectConfig& config);

/// A box of a fitted picture in pixels of the picture itself, cut off at its edges; maybe without an inside.
data::Box box_in_picture(const data::Box& box, const FittedPicture& fitted, const io::Image& picture);

/// Pictures [rows, height, width, channels], and their objects.
struct DetectBatch {
  Tensor pictures;
  model::DetectionTargets targets;
};

/// Scenes as large as config.size as a batch.
DetectBatch batch_of(std::span<const data::Scene> scenes, const DetectConfig& config);

/// Pictures to learn from, changed as the options say.
DetectBatch changed_scenes(const data::DetectionImages& images, std::span<const std::int64_t> rows,
                           const DetectConfig& config, const DetectOptions& options, std::int64_t index);

}  // namespace attend::task
