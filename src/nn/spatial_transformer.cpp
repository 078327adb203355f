#include "attend/nn/spatial_transformer.h"

#include <vector>

#include "attend/op/activation.h"
#include "attend/op/cast.h"
#include "attend/op/grid_sample.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "nn/feature_attention_kinds.h"
#include "nn/gates.h"

namespace attend::nn {

namespace {

constexpr std::int64_t kFirst = 16, kSecond = 32, kMaps = 16;

ConvolutionOptions halving() {
  return {.kernel = 3, .geometry = {.stride = 2, .padding = 1}};
}

// The centres of the places of a map, (x, y) from -1 to 1: [height width, 2].
Tensor centres(std::int64_t height, std::int64_t width, DType dtype) {
  const auto centre = [](std::int64_t i, std::int64_t size) {
    return static_cast<double>(2 * i + 1) / static_cast<double>(size) - 1;
  };
  std::vector<double> places;
  for (std::int64_t i = 0; i < height; ++i)
    for (std::int64_t j = 0; j < width; ++j) {
      places.push_back(centre(j, width));
      places.push_back(centre(i, height));
    }
  return op::cast(Tensor::from(places, {height * width, 2}), dtype);
}

}  // namespace

SpatialTransformer::SpatialTransformer(std::int64_t channels, Generator& random)
    : channels_(channels),
      first_(channels, kFirst, halving(), random),
      second_(kFirst, kSecond, halving(), random),
      maps_(kSecond, kMaps, {.kernel = 1}, random),
      theta_(2 * kMaps, 6, {.initialisation_std = 0}, random) {
  add_child("first", first_);
  add_child("second", second_);
  add_child("maps", maps_);
  add_child("theta", theta_);
  float* bias = theta_.bias().data<float>();
  bias[0] = bias[4] = 1;
}

Tensor SpatialTransformer::theta(const Tensor& x) const {
  check_maps(x, channels_);
  const auto relu = [](const Tensor& y) { return op::activate(y, Activation::relu); };
  const DType wide = x.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const Tensor maps = op::cast(maps_.forward(relu(second_.forward(relu(first_.forward(x))))), wide);
  const std::int64_t batch = maps.dim(0), height = maps.dim(1), width = maps.dim(2);
  const Tensor shares = op::softmax(op::transpose(op::reshape(maps, {batch, height * width, kMaps})));
  const Tensor points = op::matmul(shares, centres(height, width, wide));
  return op::reshape(theta_.forward(op::reshape(points, {batch, 2 * kMaps})), {batch, 2, 3});
}

Tensor SpatialTransformer::forward(const Tensor& x, const Run& run, std::int64_t layer) const {
  const Tensor affine = theta(x);
  if (is_observed(run, layer)) run.observer->observe_affine(layer, for_observer(affine, affine.shape()));
  return op::grid_sample(x, op::affine_grid(affine, x.dim(1), x.dim(2)));
}

}  // namespace attend::nn
