#pragma once

#include <vector>

#include "attend/explain/picture_maps.h"
#include "attend/model/image_generation_config.h"
#include "task/picture_attention.h"

namespace attend::task {

/// What the generator looked at while it made one picture, as PictureGenerator::see says; empty when it has
/// no attention over places.
std::vector<explain::PictureMap> maps_of(const AttentionWatcher& seen,
                                         const model::ImageGenerationConfig& config);

}  // namespace attend::task
