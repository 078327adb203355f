#include "attend/nn/spatially_modulated_attention.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "attend/base/error.h"
#include "attend/op/activation.h"
#include "attend/op/cast.h"
#include "attend/op/operators.h"
#include "attend/op/shape.h"
#include "op/chunk.h"

namespace attend::nn {

namespace {

constexpr double kSmallestSide = 0.02;
constexpr std::int64_t kPlaceFeatures = 4;

std::int64_t checked_heads(std::int64_t dim, std::int64_t heads) {
  if (dim < 1 || heads < 1 || dim % heads != 0)
    throw Error(
        fmt::format("spatially modulated attention with {} heads of {} features: heads that divide "
                    "the features needed",
                    heads, dim));
  return heads;
}

// (x, y, x^2, y^2) of each place: [height width, 4].
Tensor place_features(std::int64_t height, std::int64_t width, DType dtype) {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(height * width * kPlaceFeatures));
  for (std::int64_t i = 0; i < height; ++i)
    for (std::int64_t j = 0; j < width; ++j) {
      const double x = (static_cast<double>(j) + 0.5) / static_cast<double>(width),
                   y = (static_cast<double>(i) + 0.5) / static_cast<double>(height);
      values.insert(values.end(), {x, y, x * x, y * y});
    }
  return op::cast(Tensor::from(values, {height * width, kPlaceFeatures}), dtype);
}

}  // namespace

SpatiallyModulatedAttention::SpatiallyModulatedAttention(std::int64_t dim,
                                                         const SpatiallyModulatedAttentionOptions& options,
                                                         Generator& random)
    : dim_(dim),
      heads_(checked_heads(dim, options.heads)),
      query_(dim, dim, {.initialisation_std = options.initialisation_std}, random),
      key_value_(dim, 2 * dim, {.initialisation_std = options.initialisation_std}, random),
      output_(dim, dim, {.initialisation_std = options.output_std}, random),
      modulation_(dim, kPlaceFeatures * options.heads, {.initialisation_std = options.initialisation_std},
                  random) {
  add_child("query", query_);
  add_child("key_value", key_value_);
  add_child("output", output_);
  add_child("modulation", modulation_);
  // A circle a quarter of the box away from its centre; one head alone looks at the centre.
  if (heads_ == 1) return;
  for (std::int64_t head = 0; head < heads_; ++head) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(head) / static_cast<double>(heads_);
    float* offset = modulation_.bias().data<float>() + head * kPlaceFeatures;
    offset[0] = static_cast<float>(std::cos(angle) / 4);
    offset[1] = static_cast<float>(std::sin(angle) / 4);
  }
}

SpatiallyModulatedAttention::Memory SpatiallyModulatedAttention::project(const Tensor& map) const {
  if (map.rank() != 4 || map.dim(3) != dim_)
    throw Error(fmt::format("spatially modulated attention, map {}: [batch, height, width, {}] needed",
                            map.text(), dim_));
  const std::int64_t batch = map.dim(0), places = map.dim(1) * map.dim(2), d = dim_ / heads_;
  const DType dtype = op::parameter_dtype(map.dtype());
  const Tensor both = op::cast(op::reshape(key_value_.forward(op::reshape(map, {batch, places, dim_})),
                                           {batch, places, 2 * heads_, d}),
                               dtype);
  const auto parts = op::split(both, 2, {heads_, heads_});
  const Tensor features =
      op::expand(op::reshape(place_features(map.dim(1), map.dim(2), dtype), {1, places, 1, kPlaceFeatures}),
                 {batch, places, heads_, kPlaceFeatures});
  return {op::concatenate({parts[0], features}, 3), parts[1]};
}

// With r = 1 / (s_h w)^2, the Gaussian is r x_h x - r x^2 / 2 and what does not depend on x, which no weight
// depends on; so for y. Result: (r_x x_h, r_y y_h, -r_x / 2, -r_y / 2), [batch, queries, heads, 4].
Tensor SpatiallyModulatedAttention::modulation(const Tensor& x, const Tensor& boxes) const {
  const std::int64_t batch = x.dim(0), queries = x.dim(1);
  const Tensor learned =
      op::reshape(op::cast(modulation_.forward(x), boxes.dtype()), {batch, queries, heads_, kPlaceFeatures});
  const Tensor box = op::reshape(boxes, {batch, queries, 1, 4});
  const Tensor centre = op::slice(box, 3, 0, 2),
               sides = op::maximum(op::slice(box, 3, 2, 4), Tensor::full({}, kSmallestSide, boxes.dtype()));
  const Tensor point = centre + op::slice(learned, 3, 0, 2) * sides;
  const Tensor deviation =
      op::exp(2.0 * op::activate(op::slice(learned, 3, 2, 4), Activation::tanh)) * sides * 0.5;
  const Tensor precision = 1.0 / op::square(deviation);
  return op::concatenate({precision * point, -0.5 * precision}, 3);
}

Tensor SpatiallyModulatedAttention::forward(const Tensor& x, const Tensor& boxes, const Memory& memory,
                                            const attention::Run& run) const {
  if (x.rank() != 3 || x.dim(2) != dim_)
    throw Error(
        fmt::format("spatially modulated attention, x {}: [batch, queries, {}] needed", x.text(), dim_));
  const DType dtype = op::parameter_dtype(x.dtype());
  if (!(boxes.shape() == Shape{x.dim(0), x.dim(1), 4}) || boxes.dtype() != dtype)
    throw Error(fmt::format("spatially modulated attention, x {} with boxes {}: {} [{}, {}, 4] needed",
                            x.text(), boxes.text(), name_of(dtype), x.dim(0), x.dim(1)));
  const std::int64_t batch = x.dim(0), queries = x.dim(1), d = dim_ / heads_;
  const double root = std::sqrt(static_cast<double>(d));
  const Tensor content = op::reshape(op::cast(query_.forward(x), dtype), {batch, queries, heads_, d});
  AttentionSpec spec;
  spec.score.scale = 1 / root;
  const Tensor query = op::concatenate({content, root * modulation(x, boxes)}, 3);
  const Tensor answer = attention::attend(query, memory.keys, memory.values, spec, run);
  return output_.forward(op::cast(op::reshape(answer, {batch, queries, dim_}), x.dtype()));
}

}  // namespace attend::nn
