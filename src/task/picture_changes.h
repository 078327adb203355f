#pragma once

#include <cstdint>

#include "attend/base/random.h"
#include "attend/data/augment.h"

namespace attend::task {

/// How a picture that is learnt from is changed, with what is known of its places.
struct PictureChanges {
  bool flip = true;     ///< left and right, with probability 1/2
  double rotation = 0;  ///< most degrees
  double jitter = 0;    ///< of brightness, contrast and saturation
  /// Of the random window that is kept, which may reach `crop_padding` pixels over the edge. The picture must
  /// be as large.
  std::int64_t height = 0, width = 0, crop_padding = 0;
  data::SceneOptions fill = {};  ///< of what comes from outside
};

/// Each change draws from a stream of its own, whether it is made or not: four of the generator's in all.
data::Scene changed_scene(data::Scene scene, const PictureChanges& changes, Generator& random);

}  // namespace attend::task
