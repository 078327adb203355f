#include "op/roi_regions.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/base/error.h"
#include "op/chunk.h"
#include "op/integers.h"

namespace attend::op {

std::vector<Region> checked_regions(std::string_view operation, const FeatureMaps& maps, const Tensor& x,
                                    const Tensor& boxes, const Tensor& image, std::int64_t height,
                                    std::int64_t width, double spatial_scale) {
  const auto fail = [&](std::string_view why) {
    throw Error(fmt::format("{} of {}, boxes {}, image {}: {}", operation, x.text(), boxes.text(),
                            image.text(), why));
  };
  const DType dtype = parameter_dtype(x.dtype());
  if (boxes.rank() != 2 || boxes.dim(1) != 4 || boxes.dtype() != dtype)
    fail(fmt::format("boxes {} [R, 4] needed", name_of(dtype)));
  if (!(image.shape() == Shape{boxes.dim(0)}) || (image.dtype() != DType::i32 && image.dtype() != DType::i64))
    fail(fmt::format("image i32 or i64 [{}] needed", boxes.dim(0)));
  constexpr std::int64_t kMostBins = 65536;
  if (height < 1 || width < 1 || height > kMostBins || width > kMostBins)
    fail(fmt::format("{} x {} bins given, from 1 to {} each way needed", height, width, kMostBins));
  if (!(spatial_scale > 0) || !std::isfinite(spatial_scale))
    fail(fmt::format("spatial_scale {} given, a number above 0 needed", spatial_scale));
  const Tensor images = checked_indices(fmt::format("{}: image", operation), image, maps.batch);
  const std::vector<double> corners = boxes.to_vector<double>();
  std::vector<Region> regions;
  regions.reserve(static_cast<std::size_t>(boxes.dim(0)));
  // Far beyond any image, and still a number of pixels that products of 64 bits have room for.
  constexpr double kFarthest = 1 << 30;
  for (std::int64_t r = 0; r < boxes.dim(0); ++r) {
    const double* box = corners.data() + 4 * r;
    for (int k = 0; k < 4; ++k)
      if (!(std::abs(box[k] * spatial_scale) <= kFarthest))
        fail(fmt::format("coordinate {} of box {}; at most 2^30 pixels of x from its corner accepted", box[k],
                         r));
    regions.push_back({.image = images.data<std::int64_t>()[r],
                       .x0 = box[0] * spatial_scale,
                       .y0 = box[1] * spatial_scale,
                       .x1 = box[2] * spatial_scale,
                       .y1 = box[3] * spatial_scale});
  }
  return regions;
}

}  // namespace attend::op
