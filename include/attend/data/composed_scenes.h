#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attend/data/augment.h"
#include "attend/data/labelled_images.h"

namespace attend::data {

struct ComposedScenesOptions {
  /// Of the canvas, in pixels.
  std::int64_t height = 96, width = 96;
  /// How many pictures are placed, uniform; 0 <= least <= most <= 1000. Fewer where no free place is found.
  std::int64_t least_items = 1, most_items = 4;
  /// The factor by which a picture is resized, uniform; 0.01 <= least <= most <= 100.
  double least_scale = 1, most_scale = 1;
  /// How much of the smaller of two boxes may lie in the other; 0 to 1.
  double most_overlap = 0.2;
  /// A pixel of a picture of which no channel is larger is ground, which is not drawn; 0 to 254.
  std::uint8_t ground = 0;
  /// Pixels of the canvas are drawn uniformly from 0 to this in each channel; 0: black.
  std::uint8_t noise = 0;
};

/// Scenes made of pictures of one object each on a dark ground (such as Fashion-MNIST), for learning to find
/// and to outline objects. Scene i is a function of the seed and i alone.
///
/// Pictures are drawn from the set uniformly and placed uniformly, a later one over an earlier one. A box is
/// the smallest around all drawn pixels of its object, hidden ones too, with its class. The mask has, for
/// each pixel of the canvas, 0 for ground and 1 + the class of the object that is seen.
class ComposedScenes {
 public:
  /// Throws Error for an empty set, over 255 classes, an option outside its range and a canvas of more than
  /// 2^28 pixels.
  ComposedScenes(LabelledImages items, const ComposedScenesOptions& options, std::uint64_t seed);

  const std::vector<std::string>& class_names() const { return items_.class_names(); }

  /// Scene i, any number from 0. With as many channels as the first picture of the set has. Throws Error for
  /// a number below 0 and when a picture cannot be decoded.
  Scene scene(std::int64_t i) const;

 private:
  LabelledImages items_;
  ComposedScenesOptions options_;
  std::uint64_t seed_;
  std::int64_t channels_;
};

}  // namespace attend::data
