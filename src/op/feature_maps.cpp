#include "op/feature_maps.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "op/check.h"

namespace attend::op {

FeatureMaps checked_feature_maps(std::string_view operation, const Tensor& x) {
  check_floating(operation, x);
  if (x.rank() != 4 || x.dim(1) < 1 || x.dim(2) < 1 || x.dim(3) < 1)
    throw Error(
        fmt::format("{} of {}: x [batch, height, width, channels] needed, all but the batch at least 1",
                    operation, x.text()));
  return {.batch = x.dim(0), .height = x.dim(1), .width = x.dim(2), .channels = x.dim(3)};
}

}  // namespace attend::op
