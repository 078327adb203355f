#pragma once

#include <string_view>

#include "attend/task/image_classify.h"

namespace attend::task {

/// Makes of pictures that were normalised by other statistics those that a trained classifier is used to.
class ClassifierInput {
 public:
  /// For pictures of this shape, normalised by `pixels`. Throws Error, beginning with `name`, when the
  /// classifier sees others.
  ClassifierInput(const ImageClassifyConfig& classifier, const model::PictureShape& shape,
                  const data::PixelStatistics& pixels, std::string_view name);

  /// f32 [batch, height, width, channels] to the same shape.
  Tensor of(const Tensor& pictures) const;

 private:
  Tensor factor_, shift_;  // factor x + shift, [channels]; undefined where pictures stay as they are
};

}  // namespace attend::task
