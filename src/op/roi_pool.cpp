#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/roi.h"
#include "op/roi_regions.h"
#include "op/sampling.h"
#include "op/view.h"

namespace attend::op {

namespace {

// The pixels [begin, end) of bin `i` of `bins` from `first` on, `length` pixels in all, within `size` pixels.
struct Span {
  std::int64_t begin = 0, end = 0;
};
Span span_of(double low, double high, std::int64_t i, std::int64_t bins, std::int64_t size) {
  const auto first = static_cast<std::int64_t>(std::round(low)),
             last = static_cast<std::int64_t>(std::round(high));
  const std::int64_t length = std::max<std::int64_t>(last - first + 1, 1);
  return {.begin = std::clamp<std::int64_t>(first + i * length / bins, 0, size),
          .end = std::clamp<std::int64_t>(first + ((i + 1) * length + bins - 1) / bins, 0, size)};
}

// y, and the pixel of its image that each element comes from, or -1.
void pool(const Tensor& x, const FeatureMaps& maps, const Region& region, const RoiPoolOptions& options,
          std::int64_t first_output, const Tensor& y, const Tensor& pixels) {
  const std::size_t bytes = static_cast<std::size_t>(maps.channels) * size_of(x.dtype());
  for (std::int64_t o = 0; o < options.height * options.width; ++o) {
    const Span rows = span_of(region.y0, region.y1, o / options.width, options.height, maps.height),
               columns = span_of(region.x0, region.x1, o % options.width, options.width, maps.width);
    const std::int64_t output = (first_output + o) * maps.channels;
    std::int32_t* from = pixels.data<std::int32_t>() + output;
    if (rows.begin >= rows.end || columns.begin >= columns.end) {
      std::memset(place(y, output), 0, bytes);
      std::fill(from, from + maps.channels, -1);
      continue;
    }
    SamplingKernels::Maximum work{.dtype = x.dtype(), .columns = maps.channels};
    work.first = rows.begin * maps.width + columns.begin;
    work.pitch = maps.width;
    work.height = rows.end - rows.begin;
    work.width = columns.end - columns.begin;
    work.x = place(x, region.image * maps.pixels() * maps.channels);
    work.y = place(y, output);
    work.row = from;
    backend::kernels().sampling.maximum(work);
  }
}

// Adds the gradients of outputs [first, first + count) to the channels that `part` owns.
template <class T>
void scatter(const Tensor& dy, const Tensor& pixels, const FeatureMaps& maps, const OwnedPart& part,
             std::int64_t first, std::int64_t count, const Tensor& dx) {
  T* image = dx.data<T>() + part.image * maps.pixels() * maps.channels;
  for (std::int64_t o = first; o < first + count; ++o) {
    const T* gradient = dy.data<T>() + o * maps.channels;
    const std::int32_t* from = pixels.data<std::int32_t>() + o * maps.channels;
    for (std::int64_t c = part.first_channel; c < part.first_channel + part.channels; ++c)
      if (from[c] >= 0) image[from[c] * maps.channels + c] += gradient[c];
  }
}

}  // namespace

Tensor roi_pool(const Tensor& x, const Tensor& boxes, const Tensor& image, const RoiPoolOptions& options) {
  const FeatureMaps maps = checked_feature_maps("roi_pool", x);
  const std::vector<Region> regions = checked_regions("roi_pool", maps, x, boxes, image, options.height,
                                                      options.width, options.spatial_scale);
  if (maps.pixels() > std::numeric_limits<std::int32_t>::max())
    throw Error(fmt::format("roi_pool of {}: more than 2^31 - 1 pixels in an image", x.text()));
  const std::int64_t bins = options.height * options.width;
  const Tensor from = dense(x).detach();
  const Shape shape = {boxes.dim(0), options.height, options.width, maps.channels};
  const Tensor y = Tensor::empty(shape, x.dtype()), pixels = Tensor::empty(shape, DType::i32);
  parallel_for(boxes.dim(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r)
      pool(from, maps, regions[static_cast<std::size_t>(r)], options, r * bins, y, pixels);
  });
  if (autograd::is_recording({x}))
    autograd::record("roi_pool", {x}, {y}, [maps, regions, pixels, bins](const autograd::Tensors& gradients) {
      const DType dtype = gradients[0].dtype(), wide = parameter_dtype(dtype);
      const Tensor dy = dtype == wide ? dense(gradients[0]) : backend::cast(gradients[0], wide);
      const Tensor dx = gradient_by_parts(maps, dtype, [&](const OwnedPart& part, const Tensor& sums) {
        for (std::size_t r = 0; r < regions.size(); ++r) {
          if (regions[r].image != part.image) continue;
          const std::int64_t first = static_cast<std::int64_t>(r) * bins;
          if (wide == DType::f64)
            scatter<double>(dy, pixels, maps, part, first, bins, sums);
          else
            scatter<float>(dy, pixels, maps, part, first, bins, sums);
        }
      });
      return autograd::Tensors{dx};
    });
  return y;
}

}  // namespace attend::op
