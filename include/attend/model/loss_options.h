#pragma once

#include <cstdint>

namespace attend::model {

struct LossOptions {
  std::int64_t ignored_target = -1;  ///< positions with this target do not count
  double label_smoothing = 0;
};

}  // namespace attend::model
