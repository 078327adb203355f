#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "attend/task/picture_classifier.h"
#include "task/image_classify/classifier_input.h"

namespace attend::task {

/// A trained classifier, from whose answers another one learns.
class Teacher {
 public:
  /// For pictures of this shape, normalised by `pixels`. Throws Error when the folder's model has other
  /// classes, sizes or channels, and as PictureClassifier does.
  Teacher(const std::filesystem::path& folder, const model::PictureShape& shape,
          const std::vector<std::string>& classes, const data::PixelStatistics& pixels);

  /// The class it gives to each of the pictures [batch, height, width, channels], computed in this dtype.
  std::vector<std::int64_t> answers(const Tensor& pictures, DType compute) const;

 private:
  PictureClassifier classifier_;
  ClassifierInput input_;
};

}  // namespace attend::task
