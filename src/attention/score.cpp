#include "attend/attention/score.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/base/error.h"
#include "attend/op/activation.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/unary.h"
#include "attention/additive.h"
#include "attention/learned.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

Tensor dot(const Tensor& query, const Tensor& key) {
  return op::matmul(query, op::transpose(key));
}

Tensor bilinear(const Tensor& query, const Tensor& key, const Run& run) {
  const Tensor weight =
      learned(run.parameters.bilinear, "bilinear", {query.dim(1), query.dim(3), key.dim(3)}, query.dtype());
  return dot(op::matmul(query, weight), key);
}

// The sum over hidden units needs a [batch, heads, queries, keys, hidden] tensor here.
Tensor additive(const Tensor& query, const Tensor& key, const Run& run) {
  const std::int64_t batch = query.dim(0), heads = query.dim(1), queries = query.dim(2), keys = key.dim(2);
  const Tensor vector = additive_vector(run, heads, query.dtype());
  const std::int64_t hidden = vector.dim(1);
  const auto projected = [&](const Tensor& x, const Tensor& weight, const char* name) {
    return op::matmul(x, op::transpose(learned(weight, name, {heads, hidden, x.dim(3)}, x.dtype())));
  };
  const Tensor from_query = op::reshape(projected(query, run.parameters.query_weight, "query_weight"),
                                        {batch, heads, queries, 1, hidden});
  const Tensor of_keys =
      run.keys_are_prepared ? key : projected(key, run.parameters.key_weight, "key_weight");
  const Tensor from_key = op::reshape(of_keys, {batch, heads, 1, keys, hidden});
  const Tensor units = op::activate(op::add(from_query, from_key), Activation::tanh);
  const Tensor weight = op::reshape(vector, {heads, hidden, 1});
  return op::reshape(op::matmul(op::reshape(units, {batch, heads, queries * keys, hidden}), weight),
                     {batch, heads, queries, keys});
}

Tensor cosine(const Tensor& query, const Tensor& key, const Run& run) {
  const Tensor temperature =
      op::reshape(cosine_temperature(run, query.dim(1), query.dtype()), {1, query.dim(1), 1, 1});
  return dot(op::divide(unit_vectors(query), temperature), unit_vectors(key));
}

// |q - k|^2 = |q|^2 + |k|^2 - 2 q . k.
Tensor squared_distance(const Tensor& query, const Tensor& key) {
  const auto squares = [](const Tensor& x) {
    return op::sum(op::square(x), {.axes = {-1}, .keep_axes = true});
  };
  const Tensor sums = op::add(squares(query), op::transpose(squares(key)));
  return op::subtract(sums, op::scale(dot(query, key), 2));
}

Tensor uncapped(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run) {
  const double scale = score_scale(spec, query.dim(3));
  switch (spec.score.kind) {
    case Score::Kind::dot:
      return op::scale(dot(query, key), scale);
    case Score::Kind::bilinear:
      return op::scale(bilinear(query, key, run), scale);
    case Score::Kind::additive:
      return additive(query, key, run);
    case Score::Kind::cosine:
      return cosine(query, key, run);
    case Score::Kind::euclidean:
      return op::scale(squared_distance(query, key), -scale);
    case Score::Kind::pearson:
      return op::scale(dot(unit_vectors(centred(query)), unit_vectors(centred(key))), scale);
  }
  throw Error("attention: an unknown kind of score");
}

}  // namespace

Tensor unit_vectors(const Tensor& x) {
  const Tensor squares = op::sum(op::square(x), {.axes = {-1}, .keep_axes = true});
  return op::multiply(x, op::rsqrt(op::add_scalar(squares, 1e-12)));
}

Tensor centred(const Tensor& x) {
  return op::subtract(x, op::mean(x, {.axes = {-1}, .keep_axes = true}));
}

Tensor cosine_temperature(const Run& run, std::int64_t heads, DType dtype) {
  constexpr double kLeast = 0.01;
  return op::maximum(learned(run.parameters.temperature, "temperature", {heads}, dtype),
                     Tensor::full({}, kLeast, dtype));
}

double score_scale(const AttentionSpec& spec, std::int64_t dim) {
  const auto root = std::sqrt(static_cast<double>(dim));
  switch (spec.score.kind) {
    case Score::Kind::additive:
    case Score::Kind::cosine:
      return 1;
    case Score::Kind::pearson:
      return spec.score.scale != 0 ? spec.score.scale : root;
    default:
      return spec.score.scale != 0 ? spec.score.scale : 1 / root;
  }
}

Tensor scores_of(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run) {
  const double cap = spec.score.soft_cap;
  if (spec.score.kind == Score::Kind::dot && cap == 0) return uncapped(query, key, spec, run);
  // Lengths, differences and slopes of bf16 numbers need the digits of f32.
  const DType wide = query.dtype() == DType::f64 ? DType::f64 : DType::f32;
  Tensor scores = uncapped(op::cast(query, wide), op::cast(key, wide), spec, run);
  if (cap > 0) scores = op::scale(op::activate(op::scale(scores, 1 / cap), Activation::tanh), cap);
  return op::cast(scores, query.dtype());
}

}  // namespace attend::attention
