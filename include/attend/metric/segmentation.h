#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace attend::metric {

/// Counts pixels by the class that they have and the class that they are said to have.
class PixelConfusion {
 public:
  /// Throws Error unless there are 1 to 256 classes.
  explicit PixelConfusion(std::int64_t classes);

  /// Adds a picture: the classes of its pixels, in any order that is the same on both sides. Pixels whose
  /// expected class is `ignored` are not counted. Throws Error, adding nothing, when the counts differ or a
  /// class is out of range.
  void add(std::span<const std::uint8_t> expected, std::span<const std::uint8_t> predicted,
           std::optional<std::uint8_t> ignored = {});

  std::int64_t classes() const { return classes_; }
  /// Pixels of class `expected` that are said to be `predicted`.
  std::int64_t count(std::int64_t expected, std::int64_t predicted) const {
    return counts_[static_cast<std::size_t>(expected * classes_ + predicted)];
  }

 private:
  std::int64_t classes_;
  std::vector<std::int64_t> counts_;
};

struct PixelClassScore {
  /// Pixels that are of the class, and that are said to be.
  std::int64_t expected = 0, predicted = 0;
  /// Of the two sets of pixels A and B: 2 |A and B| / (|A| + |B|) (Dice, 1945) and |A and B| / |A or B|
  /// (Jaccard, 1901). Absent where both are empty.
  std::optional<double> dice, iou;
};

struct SegmentationScore {
  std::int64_t pixels = 0;
  double pixel_accuracy = 0;  ///< the share of pixels whose class is right
  /// The means over the classes that occur on either side; `absent` classes do not, and are left out.
  double mean_dice = 0, mean_iou = 0;
  std::int64_t absent = 0;
  std::vector<PixelClassScore> by_class;
};

/// Throws Error when no pixel was counted.
SegmentationScore segmentation_score(const PixelConfusion& confusion);

}  // namespace attend::metric
