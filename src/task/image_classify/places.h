#pragma once

#include <cstdint>
#include <vector>

#include "attend/explain/picture_maps.h"
#include "attend/model/image_classifier.h"

namespace attend::task {

/// What each place of a picture [1, height, width, channels] did for a class, by every measure there is for
/// this network (PictureClassifier::see), each map with 1 at its largest value.
std::vector<explain::PictureMap> places_that_count(const model::ImageClassifier& model, const Tensor& picture,
                                                   std::int64_t label);

}  // namespace attend::task
