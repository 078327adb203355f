#include "attend/attention/gather.h"

#include <algorithm>
#include <vector>

#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/gather.h"
#include "attend/op/matmul.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/where.h"
#include "attention/learned.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

// Weights summed by clip(j - p): [batch, heads, queries, 2 clip + 1]. Within the clip each sum is one weight.
Tensor weights_by_offset(const Tensor& weights, std::int64_t clip) {
  const std::int64_t queries = weights.dim(2), keys = weights.dim(3), inner = 2 * clip - 1;
  const Tensor zero = Tensor::zeros({}, weights.dtype());
  std::vector<std::int64_t> places;
  const Tensor inside = Tensor::empty({queries, inner}, DType::boolean);
  const Tensor before = Tensor::empty({queries, keys}, DType::boolean);
  const Tensor after = Tensor::empty({queries, keys}, DType::boolean);
  for (std::int64_t i = 0; i < queries; ++i) {
    const std::int64_t place = i + keys - queries;
    for (std::int64_t n = 0; n < inner; ++n) {
      const std::int64_t key = place + n - (clip - 1);
      places.push_back(std::clamp<std::int64_t>(key, 0, keys - 1));
      inside.data<bool>()[i * inner + n] = key >= 0 && key < keys;
    }
    for (std::int64_t key = 0; key < keys; ++key) {
      before.data<bool>()[i * keys + key] = key - place <= -clip;
      after.data<bool>()[i * keys + key] = key - place >= clip;
    }
  }
  const auto total = [&](const Tensor& mask) {
    return op::sum(op::where(mask, weights, zero), {.axes = {3}, .keep_axes = true});
  };
  const Tensor each =
      op::where(inside, op::gather(weights, 3, Tensor::from(places, {1, 1, queries, inner})), zero);
  return op::concatenate({total(before), each, total(after)}, 3);
}

}  // namespace

Tensor gathered(const Tensor& weights, const Tensor& value, const AttentionSpec& spec, const Run& run) {
  const Tensor answer = op::matmul(weights, value);
  if (spec.place.positions != Place::Positions::shaw || value.dim(2) == 0) return answer;
  const DType wide = value.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const std::int64_t clip = spec.place.clip;
  const Tensor table =
      learned(run.parameters.relative_values, "relative_values", {2 * clip + 1, value.dim(3)}, wide);
  const Tensor read = op::matmul(weights_by_offset(op::cast(weights, wide), clip), table);
  return op::cast(op::add(op::cast(answer, wide), read), value.dtype());
}

}  // namespace attend::attention
