#include "attend/op/resize.h"

#include <fmt/format.h>

#include <limits>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "op/sampling.h"
#include "op/view.h"

namespace attend::op {

namespace {

// Where pixel i of `to` lies among `from` pixels.
double bilinear_place(std::int64_t i, std::int64_t from, std::int64_t to, bool align_corners) {
  const double n = static_cast<double>(from), m = static_cast<double>(to), place = static_cast<double>(i);
  if (align_corners) return to > 1 ? place * ((n - 1) / (m - 1)) : 0;
  return std::clamp((place + 0.5) * (n / m) - 0.5, 0.0, n - 1);
}

struct Resizing {
  FeatureMaps from;
  std::int64_t height = 0, width = 0;
  ResizeOptions options;

  std::int64_t taps_each() const { return options.mode == Interpolation::nearest ? 1 : kBilinearTaps; }
  std::int64_t pixels() const { return height * width; }

  void operator()(std::int64_t first, std::int64_t count, Tap* to) const {
    for (std::int64_t o = first; o < first + count; ++o, to += taps_each()) {
      const std::int64_t image = o / pixels(), i = o / width % height, j = o % width;
      if (options.mode == Interpolation::nearest)
        *to = {(image * from.height + i * from.height / height) * from.width + j * from.width / width, 1};
      else
        bilinear_taps(from, image, bilinear_place(i, from.height, height, options.align_corners),
                      bilinear_place(j, from.width, width, options.align_corners), to);
    }
  }
};

}  // namespace

Tensor resize(const Tensor& x, std::int64_t height, std::int64_t width, const ResizeOptions& options) {
  const FeatureMaps maps = checked_feature_maps("resize", x);
  const auto fail = [&](std::string_view why) {
    throw Error(fmt::format("resize of {} to {} x {}: {}", x.text(), height, width, why));
  };
  constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();
  if (height < 1 || width < 1 || height > kLargest || width > kLargest)
    fail("sizes from 1 to 2^31 - 1 needed");
  if (options.align_corners && options.mode == Interpolation::nearest) fail("align_corners needs bilinear");
  const Resizing resizing{maps, height, width, options};
  const Tensor from = dense(x).detach(),
               y = Tensor::empty({maps.batch, height, width, maps.channels}, x.dtype());
  parallel_for(maps.batch * resizing.pixels(), rows_of_chunk(maps.channels),
               [&](std::int64_t begin, std::int64_t end) {
                 gather_outputs(from, y, begin, end, resizing.taps_each(), resizing);
               });
  if (autograd::is_recording({x}))
    autograd::record("resize", {x}, {y}, [resizing](const autograd::Tensors& gradients) {
      const Tensor dy = dense(gradients[0]);
      return autograd::Tensors{
          gradient_by_parts(resizing.from, dy.dtype(), [&](const OwnedPart& part, const Tensor& dx) {
            scatter_outputs(dy, dx, part, part.image * resizing.pixels(),
                            (part.image + 1) * resizing.pixels(), resizing.taps_each(), resizing);
          })};
    });
  return y;
}

}  // namespace attend::op
