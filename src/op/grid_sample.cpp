#include "attend/op/grid_sample.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "op/check.h"
#include "op/sampling.h"
#include "op/view.h"

namespace attend::op {

namespace {

// A place along one axis in pixels, and its derivative by the coordinate of the grid.
struct Place {
  double pixel = 0, slope = 0;
};

Place clamped(Place at, double last) {
  if (at.pixel <= 0) return {0, 0};
  if (at.pixel >= last) return {last, 0};
  return at;
}

// Mirrored at `low` and at `low` + span.
Place reflected(Place at, double low, double span) {
  if (span <= 0) return {0, 0};
  const double distance = std::abs(at.pixel - low), rest = std::fmod(distance, span);
  if (at.pixel < low) at.slope = -at.slope;
  if (std::fmod(std::floor(distance / span), 2) == 0) return {low + rest, at.slope};
  return {low + (span - rest), -at.slope};
}

Place place_of(double coordinate, std::int64_t size, const GridSampleOptions& options) {
  const double n = static_cast<double>(size);
  const Place at = options.align_corners ? Place{(coordinate + 1) / 2 * (n - 1), (n - 1) / 2}
                                         : Place{((coordinate + 1) * n - 1) / 2, n / 2};
  switch (options.padding) {
    case GridPadding::zeros:
      return at;
    case GridPadding::border:
      return clamped(at, n - 1);
    case GridPadding::reflection:
      return clamped(options.align_corners ? reflected(at, 0, n - 1) : reflected(at, -0.5, n), n - 1);
  }
  return at;
}

// One application: its tensors, dense and off the tape.
struct Sample {
  FeatureMaps maps;
  GridSampleOptions options;
  Tensor x, grid;
  std::int64_t pixels = 0;  // of a result

  std::int64_t taps_each() const { return options.mode == Interpolation::nearest ? 1 : kBilinearTaps; }

  // The place of an output, x and y.
  std::pair<Place, Place> place_at(std::int64_t output) const {
    const auto read = [&](std::int64_t i) {
      return grid.dtype() == DType::f64 ? grid.data<double>()[i] : static_cast<double>(grid.data<float>()[i]);
    };
    return {place_of(read(2 * output), maps.width, options),
            place_of(read(2 * output + 1), maps.height, options)};
  }

  void operator()(std::int64_t first, std::int64_t count, Tap* to) const {
    for (std::int64_t o = first; o < first + count; ++o, to += taps_each()) {
      const auto [across, down] = place_at(o);
      if (options.mode == Interpolation::nearest) {
        Tap around[kBilinearTaps];
        bilinear_taps(maps, o / pixels, std::nearbyint(down.pixel), std::nearbyint(across.pixel), around);
        *to = around[0];
      } else {
        bilinear_taps(maps, o / pixels, down.pixel, across.pixel, to);
      }
    }
  }

  Tensor result() const;
  Tensor gradient_of_x(const Tensor& dy) const;
  Tensor gradient_of_grid(const Tensor& dy) const;
};

Tensor Sample::result() const {
  const Tensor y = Tensor::empty({maps.batch, grid.dim(1), grid.dim(2), maps.channels}, x.dtype());
  parallel_for(maps.batch * pixels, rows_of_chunk(maps.channels), [&](std::int64_t begin, std::int64_t end) {
    gather_outputs(x, y, begin, end, taps_each(), *this);
  });
  return y;
}

Tensor Sample::gradient_of_x(const Tensor& dy) const {
  return gradient_by_parts(maps, dy.dtype(), [&](const OwnedPart& part, const Tensor& dx) {
    scatter_outputs(dy, dx, part, part.image * pixels, (part.image + 1) * pixels, taps_each(), *this);
  });
}

Tensor Sample::gradient_of_grid(const Tensor& dy) const {
  const Tensor dgrid = Tensor::zeros(grid.shape(), grid.dtype());
  if (options.mode == Interpolation::nearest) return dgrid;
  const auto write = [&](std::int64_t i, double value) {
    if (dgrid.dtype() == DType::f64)
      dgrid.data<double>()[i] = value;
    else
      dgrid.data<float>()[i] = static_cast<float>(value);
  };
  const auto range = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> products;
    for_each_tap_block(
        begin, end, kBilinearTaps, *this, [&](std::int64_t first, std::int64_t count, const Tap* taps) {
          products.resize(static_cast<std::size_t>(count * kBilinearTaps));
          SamplingKernels::Products work{
              {x.dtype(), maps.channels, maps.channels, count, kBilinearTaps, taps}};
          work.x = x.raw();
          work.dy = place(dy, first * maps.channels);
          work.dweights = products.data();
          backend::kernels().sampling.products(work);
          for (std::int64_t o = 0; o < count; ++o) {
            const auto [across, down] = place_at(first + o);
            const double* p = products.data() + o * kBilinearTaps;
            const double x_part = across.pixel - std::floor(across.pixel),
                         y_part = down.pixel - std::floor(down.pixel);
            // Infinite and NaN places have no pixels, and no parts of one.
            if (!std::isfinite(x_part + y_part)) continue;
            write(2 * (first + o), across.slope * ((p[1] - p[0]) * (1 - y_part) + (p[3] - p[2]) * y_part));
            write(2 * (first + o) + 1, down.slope * ((p[2] - p[0]) * (1 - x_part) + (p[3] - p[1]) * x_part));
          }
        });
  };
  parallel_for(maps.batch * pixels, rows_of_chunk(maps.channels), range);
  return dgrid;
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& options) {
  const FeatureMaps maps = checked_feature_maps("grid_sample", x);
  const DType dtype = parameter_dtype(x.dtype());
  if (grid.rank() != 4 || grid.dim(0) != maps.batch || grid.dim(3) != 2 || grid.dtype() != dtype)
    throw Error(fmt::format("grid_sample of {} by grid {}: a grid {} [{}, height, width, 2] needed", x.text(),
                            grid.text(), name_of(dtype), maps.batch));
  const Sample sample{.maps = maps,
                      .options = options,
                      .x = dense(x).detach(),
                      .grid = dense(grid).detach(),
                      .pixels = grid.dim(1) * grid.dim(2)};
  const Tensor y = sample.result();
  if (autograd::is_recording({x, grid}))
    autograd::record("grid_sample", {x, grid}, {y},
                     [sample, for_x = autograd::requires_grad(x),
                      for_grid = autograd::requires_grad(grid)](const autograd::Tensors& gradients) {
                       const Tensor dy = dense(gradients[0]);
                       return autograd::Tensors{for_x ? sample.gradient_of_x(dy) : Tensor(),
                                                for_grid ? sample.gradient_of_grid(dy) : Tensor()};
                     });
  return y;
}

Tensor affine_grid(const Tensor& theta, std::int64_t height, std::int64_t width, bool align_corners) {
  check_floating("affine_grid", theta);
  if (theta.rank() != 3 || theta.dim(1) != 2 || theta.dim(2) != 3)
    throw Error(fmt::format("affine_grid of {}: theta [batch, 2, 3] needed", theta.text()));
  if (height < 1 || width < 1)
    throw Error(fmt::format("affine_grid of {} x {} pixels: at least 1 x 1 needed", height, width));
  const auto centre = [&](std::int64_t i, std::int64_t size) {
    const double middle = static_cast<double>(2 * i + 1 - size);
    if (size == 1) return 0.0;
    return middle / static_cast<double>(align_corners ? size - 1 : size);
  };
  // As a tensor, which says so when there is no room for so many.
  const Tensor places = Tensor::empty({height, width, 3}, DType::f64);
  double* to = places.data<double>();
  for (std::int64_t i = 0; i < height; ++i)
    for (std::int64_t j = 0; j < width; ++j, to += 3) {
      to[0] = centre(j, width);
      to[1] = centre(i, height);
      to[2] = 1;
    }
  const DType dtype = parameter_dtype(theta.dtype());
  const Tensor pixels = reshape(backend::cast(places, dtype), {height * width, 3});
  return reshape(matmul(pixels, transpose(cast(theta, dtype))), {theta.dim(0), height, width, 2});
}

}  // namespace attend::op
