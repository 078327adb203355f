#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "attend/data/augment.h"
#include "attend/data/image_mask_pairs.h"
#include "attend/task/segment.h"
#include "attend/tensor/tensor.h"

namespace attend::task {

/// Pictures with masks, and the names of their classes.
struct SegmentData {
  data::ImageMaskPairs pairs;
  std::vector<std::string> classes;
};

/// What SegmentJob::data describes. With `classes`, it has those and no others. Throws Error naming the file.
SegmentData open_pairs(const std::filesystem::path& path, bool skip_bad,
                       const std::vector<std::string>& classes = {});

/// A number that changes when a name of a pair or a class does.
std::uint64_t checksum_of(const SegmentData& data);

/// The mean colour, for what surrounds a picture of these channels.
data::SceneOptions surrounded_by_mean(const data::PixelStatistics& pixels, std::int64_t channels);

/// Pictures to learn from [rows, crop, crop, channels], changed as the options say, and the class of each
/// pixel, i32 [rows, crop, crop].
struct SegmentBatch {
  Tensor pictures, labels;
};
SegmentBatch changed_scenes(const data::ImageMaskPairs& pairs, std::span<const std::int64_t> rows,
                            const SegmentConfig& config, const SegmentOptions& options, std::int64_t index);

}  // namespace attend::task
