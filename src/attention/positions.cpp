// What the distance of query and key adds to their score. Queries and keys end together: query i stands at
// place p = i + keys - queries.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/gather.h"
#include "attend/op/matmul.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/unary.h"
#include "attend/op/where.h"
#include "attention/distance.h"
#include "attention/learned.h"
#include "attention/steps.h"
#include "attention/validate.h"

namespace attend::attention {

namespace {

using Positions = Place::Positions;

// |p - j| of the element at each distance of distance_bias(): element n has j - p = n - (keys - 1).
Tensor distances(std::int64_t queries, std::int64_t keys, DType dtype) {
  std::vector<double> values;
  for (std::int64_t n = 0; n < queries + keys - 1; ++n)
    values.push_back(static_cast<double>(std::abs(n - (keys - 1))));
  return op::cast(Tensor::from(values, {1, queries + keys - 1}), dtype);
}

Tensor slopes_bias(const Tensor& slopes, std::int64_t queries, std::int64_t keys) {
  const Tensor column = op::reshape(slopes, {slopes.dim(0), 1});
  return op::negate(op::multiply(column, distances(queries, keys, slopes.dtype())));
}

// The bucket of j - p, as the code of the paper draws it: with both sides, half of the buckets for each; the
// first half of those for one distance each, the others growing with the logarithm up to the last distance.
std::int64_t bucket_of(std::int64_t offset, const Place& place) {
  const bool both_sides = place.mask != Place::Mask::causal;
  const std::int64_t count = both_sides ? place.bucket_count / 2 : place.bucket_count, exact = count / 2;
  const std::int64_t first = both_sides && offset > 0 ? count : 0;
  const std::int64_t distance = both_sides ? std::abs(offset) : std::max<std::int64_t>(-offset, 0);
  if (distance < exact) return first + distance;
  const auto ratio = [&](std::int64_t x) {
    return std::log(static_cast<double>(x) / static_cast<double>(exact));
  };
  // Rounding must not put a distance on the edge of a bucket into the one before.
  constexpr double kRounding = 1e-9;
  const double grown =
      ratio(distance) / ratio(place.bucket_distance) * static_cast<double>(count - exact) + kRounding;
  const double last = static_cast<double>(count - exact - 1);
  return first + exact + static_cast<std::int64_t>(std::min(grown, last));
}

Tensor bucket_bias(const Tensor& table, const Place& place, std::int64_t queries, std::int64_t keys) {
  std::vector<std::int64_t> buckets;
  for (std::int64_t n = 0; n < queries + keys - 1; ++n) buckets.push_back(bucket_of(n - (keys - 1), place));
  return op::gather(table, 1, Tensor::from(buckets, {1, queries + keys - 1}));
}

// clamp(x, 0, 1) whose gradient is that of x everywhere.
Tensor within_unit(const Tensor& x) {
  std::vector<double> change = x.to_vector<double>();
  for (double& value : change) value = std::clamp(value, 0.0, 1.0) - value;
  return op::add(x, op::cast(Tensor::from(change, x.shape()), x.dtype()));
}

Tensor span_bias(const Tensor& span, const Place& place, std::int64_t queries, std::int64_t keys) {
  const DType dtype = span.dtype();
  const Tensor reach =
      op::add_scalar(op::scale(within_unit(span), static_cast<double>(place.span_limit)), place.span_ramp);
  const Tensor height =
      op::scale(op::subtract(op::reshape(reach, {span.dim(0), 1}), distances(queries, keys, dtype)),
                1 / place.span_ramp);
  const Tensor soft_mask = op::minimum(height, Tensor::full({}, 1, dtype));
  const std::vector<double> values = soft_mask.to_vector<double>();
  const Tensor seen = Tensor::empty(soft_mask.shape(), DType::boolean);
  for (std::size_t i = 0; i < values.size(); ++i) seen.data<bool>()[i] = values[i] > 0;
  // The logarithm sees no 0, so that no infinite slope meets a gradient of 0.
  const Tensor logs = op::log(op::where(seen, soft_mask, Tensor::full({}, 1, dtype)));
  return op::where(seen, logs, Tensor::full({}, -std::numeric_limits<double>::infinity(), dtype));
}

// scale * q . relative_keys[clip(j - p)].
Tensor shaw_scores(const Tensor& query, std::int64_t keys, const AttentionSpec& spec, const Run& run) {
  const std::int64_t clip = spec.place.clip, dim = query.dim(3), queries = query.dim(2);
  const Tensor table =
      learned(run.parameters.relative_keys, "relative_keys", {2 * clip + 1, dim}, query.dtype());
  const Tensor by_offset = op::scale(op::matmul(query, op::transpose(table)), score_scale(spec, dim));
  std::vector<std::int64_t> offsets;
  for (std::int64_t i = 0; i < queries; ++i)
    for (std::int64_t j = 0; j < keys; ++j)
      offsets.push_back(std::clamp(j - (i + keys - queries), -clip, clip) + clip);
  return op::gather(by_offset, 3, Tensor::from(offsets, {1, 1, queries, keys}));
}

// Sinusoids of the distances p - j, from keys - 1 down to 1 - queries: [distances, width], sines first.
Tensor sinusoids(std::int64_t queries, std::int64_t keys, std::int64_t width, DType dtype) {
  constexpr double kBase = 10000;
  const std::int64_t sines = (width + 1) / 2;
  std::vector<double> values;
  for (std::int64_t n = 0; n < queries + keys - 1; ++n)
    for (std::int64_t c = 0; c < width; ++c) {
      const auto frequency =
          static_cast<double>(2 * (c < sines ? c : c - sines)) / static_cast<double>(width);
      const double angle = static_cast<double>(keys - 1 - n) * std::pow(kBase, -frequency);
      values.push_back(c < sines ? std::sin(angle) : std::cos(angle));
    }
  return op::cast(Tensor::from(values, {queries + keys - 1, width}), dtype);
}

// scale * (content_bias . k + (q + position_bias) . relative_projection r_(p - j)).
Tensor transformer_xl_scores(const Tensor& query, const Tensor& key, const AttentionSpec& spec,
                             const Run& run) {
  const std::int64_t heads = query.dim(1), queries = query.dim(2), dim = query.dim(3), keys = key.dim(2);
  const DType dtype = query.dtype();
  const auto bias = [&](const Tensor& parameter, const char* name) {
    return op::reshape(learned(parameter, name, {heads, dim}, dtype), {1, heads, 1, dim});
  };
  const Tensor content = op::matmul(bias(run.parameters.content_bias, "content_bias"), op::transpose(key));
  const Tensor projection =
      learned(run.parameters.relative_projection, "relative_projection", {heads, dim, heads * dim}, dtype);
  // [heads, d, distances].
  const Tensor relative = op::matmul(projection, op::transpose(sinusoids(queries, keys, heads * dim, dtype)));
  const Tensor by_distance =
      op::matmul(op::add(query, bias(run.parameters.position_bias, "position_bias")), relative);
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < queries; ++i)
    for (std::int64_t j = 0; j < keys; ++j) places.push_back(j - i + queries - 1);
  const Tensor position = op::gather(by_distance, 3, Tensor::from(places, {1, 1, queries, keys}));
  return op::scale(op::add(content, position), score_scale(spec, dim));
}

// grid_bias[h] of the rows and columns between query and key: [1, heads, queries, keys].
Tensor grid_scores(const Tensor& table, const Place& place, std::int64_t queries, std::int64_t keys) {
  const std::int64_t rows = place.grid_rows, columns = place.grid_columns, heads = table.dim(0);
  // Places in front of the first are on rows above it.
  const auto row_of = [&](std::int64_t p) { return (p < 0 ? p - columns + 1 : p) / columns; };
  std::vector<std::int64_t> offsets;
  for (std::int64_t i = 0; i < queries; ++i)
    for (std::int64_t j = 0; j < keys; ++j) {
      const std::int64_t p = i + keys - queries, apart = j / columns - row_of(p);
      const std::int64_t down = std::clamp(apart, 1 - rows, rows - 1), across = j - p - apart * columns;
      offsets.push_back((down + rows - 1) * (2 * columns - 1) + across + columns - 1);
    }
  const Tensor flat = op::reshape(table, {heads, (2 * rows - 1) * (2 * columns - 1)});
  return op::reshape(op::gather(flat, 1, Tensor::from(offsets, {1, queries * keys})),
                     {1, heads, queries, keys});
}

}  // namespace

std::vector<double> alibi_slopes(std::int64_t heads) {
  std::vector<double> slopes;
  for (std::int64_t h = 1; h <= heads; ++h)
    slopes.push_back(std::exp2(-8 * static_cast<double>(h) / static_cast<double>(heads)));
  return slopes;
}

Tensor distance_bias(const AttentionSpec& spec, const Run& run, std::int64_t heads, std::int64_t queries,
                     std::int64_t keys, DType dtype) {
  const Place& place = spec.place;
  switch (place.positions) {
    case Positions::alibi:
      return slopes_bias(op::cast(Tensor::from(alibi_slopes(heads), {heads}), dtype), queries, keys);
    case Positions::alibi_learned:
      return slopes_bias(learned(run.parameters.slopes, "slopes", {heads}, dtype), queries, keys);
    case Positions::buckets:
      return bucket_bias(
          learned(run.parameters.bucket_bias, "bucket_bias", {heads, place.bucket_count}, dtype), place,
          queries, keys);
    case Positions::span:
      return span_bias(learned(run.parameters.span, "span", {heads}, dtype), place, queries, keys);
    case Positions::none:
    case Positions::shaw:
    case Positions::transformer_xl:
    case Positions::grid:
      break;
  }
  return {};
}

Tensor position_scores(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run) {
  const std::int64_t heads = query.dim(1), queries = query.dim(2), keys = key.dim(2);
  if (spec.place.positions == Positions::none) return {};
  if (queries == 0 || keys == 0) return {};
  const DType dtype = query.dtype(), wide = dtype == DType::f64 ? DType::f64 : DType::f32;
  if (spec.place.positions == Positions::shaw)
    return op::cast(shaw_scores(op::cast(query, wide), keys, spec, run), dtype);
  if (spec.place.positions == Positions::transformer_xl)
    return op::cast(transformer_xl_scores(op::cast(query, wide), op::cast(key, wide), spec, run), dtype);
  if (spec.place.positions == Positions::grid) {
    const Shape shape = {heads, 2 * spec.place.grid_rows - 1, 2 * spec.place.grid_columns - 1};
    return op::cast(
        grid_scores(learned(run.parameters.grid_bias, "grid_bias", shape, wide), spec.place, queries, keys),
        dtype);
  }
  const Tensor bias = distance_bias(spec, run, heads, queries, keys, wide);
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < queries; ++i)
    for (std::int64_t j = 0; j < keys; ++j) places.push_back(j - i + queries - 1);
  const Tensor spread = op::gather(bias, 1, Tensor::from(places, {1, queries * keys}));
  return op::cast(op::reshape(spread, {1, heads, queries, keys}), dtype);
}

Tensor span_penalty(const Tensor& span, const Place& place, double weight) {
  Place checked = place;
  checked.positions = Positions::span;
  validate(checked);
  if (!span.defined() || span.rank() != 1 || !is_floating(span.dtype()))
    throw Error(
        fmt::format("span_penalty of span {}: [heads] needed", span.defined() ? span.text() : "undefined"));
  const Tensor zero = Tensor::zeros({}, span.dtype()), one = Tensor::full({}, 1, span.dtype());
  return op::scale(op::mean(op::minimum(op::maximum(span, zero), one)),
                   weight * static_cast<double>(place.span_limit));
}

}  // namespace attend::attention
