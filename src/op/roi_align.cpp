#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/roi.h"
#include "op/roi_regions.h"
#include "op/sampling.h"
#include "op/view.h"

namespace attend::op {

namespace {

// The points of one region: `down` x `across` in each bin, equally far from each other.
struct Bins {
  FeatureMaps maps;
  std::int64_t image = 0, first_output = 0;
  std::int64_t height = 0, width = 0, down = 0, across = 0;
  double top = 0, left = 0, bin_height = 0, bin_width = 0;

  std::int64_t outputs() const { return height * width; }
  std::int64_t taps_each() const { return std::max<std::int64_t>(1, down * across) * kBilinearTaps; }

  // A point is held to the pixels of x, unless it is too far outside.
  static double held(double place, std::int64_t size, bool& is_near) {
    const double n = static_cast<double>(size);
    is_near = is_near && place >= -1 && place <= n;
    return std::clamp(place, 0.0, n - 1);
  }

  void operator()(std::int64_t first, std::int64_t count, Tap* to) const {
    const double share = 1 / static_cast<double>(std::max<std::int64_t>(1, down * across));
    for (std::int64_t o = first - first_output; o < first - first_output + count; ++o) {
      const std::int64_t row = o / width, column = o % width;
      const double y0 = top + static_cast<double>(row) * bin_height,
                   x0 = left + static_cast<double>(column) * bin_width;
      std::fill(to, to + taps_each(), Tap{});
      Tap* next = to;
      for (std::int64_t i = 0; i < down; ++i)
        for (std::int64_t j = 0; j < across; ++j, next += kBilinearTaps) {
          bool is_near = true;
          const double y = held(y0 + (static_cast<double>(i) + 0.5) * bin_height / static_cast<double>(down),
                                maps.height, is_near);
          const double x = held(x0 + (static_cast<double>(j) + 0.5) * bin_width / static_cast<double>(across),
                                maps.width, is_near);
          if (!is_near) continue;
          bilinear_taps(maps, image, y, x, next);
          for (std::int64_t k = 0; k < kBilinearTaps; ++k) next[k].weight *= share;
        }
      to += taps_each();
    }
  }
};

std::vector<Bins> bins_of(const FeatureMaps& maps, const std::vector<Region>& regions,
                          const RoiAlignOptions& options) {
  constexpr double kMostPoints = 65536;
  std::vector<Bins> all;
  all.reserve(regions.size());
  for (const Region& region : regions) {
    const double offset = options.aligned ? 0.5 : 0;
    double height = region.y1 - region.y0, width = region.x1 - region.x0;
    if (!options.aligned) {
      height = std::max(height, 1.0);
      width = std::max(width, 1.0);
    }
    Bins bins{.maps = maps,
              .image = region.image,
              .first_output = static_cast<std::int64_t>(all.size()) * options.height * options.width,
              .height = options.height,
              .width = options.width,
              .top = region.y0 - offset,
              .left = region.x0 - offset,
              .bin_height = height / static_cast<double>(options.height),
              .bin_width = width / static_cast<double>(options.width)};
    const auto points = [&](double size) {
      return options.sampling_ratio > 0 ? static_cast<double>(options.sampling_ratio)
                                        : std::max(0.0, std::ceil(size));
    };
    const double down = points(bins.bin_height), across = points(bins.bin_width);
    if (!(down * across <= kMostPoints))
      throw Error(
          fmt::format("roi_align: box {} would need {} x {} points in each bin; at most 65536 accepted",
                      all.size(), down, across));
    bins.down = static_cast<std::int64_t>(down);
    bins.across = static_cast<std::int64_t>(across);
    all.push_back(bins);
  }
  return all;
}

}  // namespace

Tensor roi_align(const Tensor& x, const Tensor& boxes, const Tensor& image, const RoiAlignOptions& options) {
  const FeatureMaps maps = checked_feature_maps("roi_align", x);
  if (options.sampling_ratio < 0)
    throw Error(fmt::format("roi_align: sampling_ratio {} given, 0 or more needed", options.sampling_ratio));
  const std::vector<Bins> all = bins_of(maps,
                                        checked_regions("roi_align", maps, x, boxes, image, options.height,
                                                        options.width, options.spatial_scale),
                                        options);
  const Tensor from = dense(x).detach();
  const Tensor y = Tensor::empty({boxes.dim(0), options.height, options.width, maps.channels}, x.dtype());
  parallel_for(boxes.dim(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const Bins& bins = all[static_cast<std::size_t>(r)];
      gather_outputs(from, y, bins.first_output, bins.first_output + bins.outputs(), bins.taps_each(), bins);
    }
  });
  if (autograd::is_recording({x}))
    autograd::record("roi_align", {x}, {y}, [maps, all](const autograd::Tensors& gradients) {
      const Tensor dy = dense(gradients[0]);
      const Tensor dx = gradient_by_parts(maps, dy.dtype(), [&](const OwnedPart& part, const Tensor& sums) {
        for (const Bins& bins : all)
          if (bins.image == part.image)
            scatter_outputs(dy, sums, part, bins.first_output, bins.first_output + bins.outputs(),
                            bins.taps_each(), bins);
      });
      return autograd::Tensors{dx};
    });
  return y;
}

}  // namespace attend::op
