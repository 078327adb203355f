#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attend/io/image.h"
#include "attend/task/picture_classifier.h"

namespace attend::task {

/// What a classifier sees in pictures.
struct Seen {
  std::vector<std::int64_t> labels = {};  ///< the most likely class of each
  /// The means of the last feature maps over their places, [pictures, features]; empty where there are none.
  std::vector<float> features = {};
};
Seen seen_by(const PictureClassifier& classifier, std::span<const io::Image> pictures);

/// Pictures made without a network, one for each label: the mean of the given pictures of that class, and
/// independent normal noise with the deviation of each value. A function of the pictures, the labels and the
/// seed. Every label has at least one of the pictures.
std::vector<io::Image> mean_and_noise(std::span<const io::Image> pictures,
                                      std::span<const std::int64_t> labels, std::uint64_t seed);

}  // namespace attend::task
