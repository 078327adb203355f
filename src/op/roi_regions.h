#pragma once

#include <string_view>
#include <vector>

#include "op/feature_maps.h"

namespace attend::op {

/// A box on the feature maps of one image.
struct Region {
  std::int64_t image = 0;
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;  ///< in pixels of x
};

/// The regions of an operation of attend/op/roi.h, in pixels of x. Throws Error for all that its comment
/// names.
std::vector<Region> checked_regions(std::string_view operation, const FeatureMaps& maps, const Tensor& x,
                                    const Tensor& boxes, const Tensor& image, std::int64_t height,
                                    std::int64_t width, double spatial_scale);

}  // namespace attend::op
