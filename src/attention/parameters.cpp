#include "attend/attention/parameters.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "attend/base/error.h"
#include "attention/distance.h"
#include "attention/validate.h"

namespace attend::attention {

namespace {

// (word + 1/2) / 2^32 is neither 0, whose logarithm is infinite, nor 1.
double unit(std::uint32_t word) {
  return (word + 0.5) * 0x1p-32;
}

Tensor uniform(const Shape& shape, double bound, Generator& random) {
  const RandomStream stream = random.next();
  const Tensor result = Tensor::empty(shape);
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    const double u = unit(stream.words(static_cast<std::uint64_t>(i / 4))[static_cast<std::size_t>(i % 4)]);
    result.data<float>()[i] = static_cast<float>(bound * (2 * u - 1));
  }
  return result;
}

// By Box and Muller: two random words make a number.
Tensor normal(const Shape& shape, double standard_deviation, Generator& random) {
  const RandomStream stream = random.next();
  const Tensor result = Tensor::empty(shape);
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    const auto words = stream.words(static_cast<std::uint64_t>(i / 2));
    const auto first = static_cast<std::size_t>(i % 2 * 2);
    const double radius = std::sqrt(-2 * std::log(unit(words[first])));
    result.data<float>()[i] = static_cast<float>(standard_deviation * radius *
                                                 std::cos(2 * std::numbers::pi * unit(words[first + 1])));
  }
  return result;
}

Tensor identity(std::int64_t size) {
  const Tensor result = Tensor::zeros({size, size});
  for (std::int64_t i = 0; i < size; ++i) result.data<float>()[i * (size + 1)] = 1;
  return result;
}

void add_score_parameters(Parameters& p, const Score& score, const ParameterSizes& s, Generator& random) {
  constexpr double kLuong = 0.1, kBahdanau = 0.001, kSwinTemperature = 0.1;
  switch (score.kind) {
    case Score::Kind::bilinear:
      p.bilinear = uniform({s.heads, s.dim, s.key_dim}, kLuong, random);
      break;
    case Score::Kind::additive:
      p.query_weight = normal({s.heads, s.hidden, s.dim}, kBahdanau, random);
      p.key_weight = normal({s.heads, s.hidden, s.key_dim}, kBahdanau, random);
      p.vector = Tensor::zeros({s.heads, s.hidden});
      break;
    case Score::Kind::cosine:
      p.temperature = Tensor::full({s.heads}, kSwinTemperature);
      break;
    case Score::Kind::dot:
    case Score::Kind::euclidean:
    case Score::Kind::pearson:
      break;
  }
}

void add_position_parameters(Parameters& p, const Place& place, const ParameterSizes& s, Generator& random) {
  constexpr double kTransformerXl = 0.02, kSwin = 0.02;
  const std::int64_t width = s.heads * s.dim;
  const auto glorot = [&](std::int64_t rows, std::int64_t columns) {
    return uniform({rows, columns}, std::sqrt(6.0 / static_cast<double>(rows + columns)), random);
  };
  switch (place.positions) {
    case Place::Positions::alibi_learned: {
      const std::vector<double> slopes = alibi_slopes(s.heads);
      p.slopes = Tensor::from(std::vector<float>(slopes.begin(), slopes.end()), {s.heads});
      break;
    }
    case Place::Positions::buckets:
      p.bucket_bias =
          normal({s.heads, place.bucket_count}, 1 / std::sqrt(static_cast<double>(width)), random);
      break;
    case Place::Positions::shaw:
      p.relative_keys = glorot(2 * place.clip + 1, s.dim);
      p.relative_values = glorot(2 * place.clip + 1, s.value_dim);
      break;
    case Place::Positions::transformer_xl:
      p.content_bias = normal({s.heads, s.dim}, kTransformerXl, random);
      p.position_bias = normal({s.heads, s.dim}, kTransformerXl, random);
      p.relative_projection = normal({s.heads, s.dim, width}, kTransformerXl, random);
      break;
    case Place::Positions::span:
      p.span = Tensor::zeros({s.heads});
      break;
    case Place::Positions::grid:
      p.grid_bias = normal({s.heads, 2 * place.grid_rows - 1, 2 * place.grid_columns - 1}, kSwin, random);
      break;
    case Place::Positions::none:
    case Place::Positions::alibi:
      break;
  }
}

void add_projections(Parameters& p, const Gather& gather, const ParameterSizes& s, Generator& random) {
  if (gather.kind != Gather::Kind::linformer) return;
  if (s.keys < 1) throw Error(fmt::format("linformer attention over {} keys: from 1 needed", s.keys));
  const double bound = std::sqrt(3.0 / static_cast<double>(gather.features + s.keys));
  p.key_projection = uniform({gather.features, s.keys}, bound, random);
  p.value_projection = uniform({gather.features, s.keys}, bound, random);
}

}  // namespace

Parameters initial_parameters(const AttentionSpec& spec, const ParameterSizes& sizes, Generator& random) {
  ParameterSizes s = sizes;
  for (std::int64_t* size : {&s.key_dim, &s.value_dim, &s.hidden})
    if (*size == 0) *size = s.dim;
  if (s.heads < 1 || s.dim < 1 || s.key_dim < 1 || s.value_dim < 1 || s.hidden < 1 || s.keys < 0)
    throw Error(fmt::format(
        "parameters of attention with {} heads, dim {}, key_dim {}, value_dim {}, hidden {}, keys {}: "
        "sizes from 1 needed",
        s.heads, s.dim, s.key_dim, s.value_dim, s.hidden, s.keys));
  validate(spec);
  Parameters p;
  // The methods that replace the weighted sum have no scores, no weights and no positions of their own.
  if (spec.gather.kind == Gather::Kind::weighted_sum) {
    add_score_parameters(p, spec.score, s, random);
    add_position_parameters(p, spec.place, s, random);
    if (spec.weigh.sink) p.sink_logits = Tensor::zeros({s.heads});
    if (spec.weigh.talking_heads) {
      p.mix_scores = identity(s.heads);
      p.mix_weights = identity(s.heads);
    }
  }
  if (spec.fuse.kind == Fuse::Kind::pool) p.pool_logits = Tensor::zeros({s.heads});
  add_projections(p, spec.gather, s, random);
  return p;
}

void for_each(Parameters& p, const std::function<void(const std::string&, Tensor&)>& visit) {
  const auto one = [&](const char* name, Tensor& tensor) {
    if (tensor.defined()) visit(name, tensor);
  };
  one("bilinear", p.bilinear);
  one("query_weight", p.query_weight);
  one("key_weight", p.key_weight);
  one("vector", p.vector);
  one("temperature", p.temperature);
  one("slopes", p.slopes);
  one("bucket_bias", p.bucket_bias);
  one("relative_keys", p.relative_keys);
  one("relative_values", p.relative_values);
  one("content_bias", p.content_bias);
  one("position_bias", p.position_bias);
  one("relative_projection", p.relative_projection);
  one("span", p.span);
  one("grid_bias", p.grid_bias);
  one("sink_logits", p.sink_logits);
  one("mix_scores", p.mix_scores);
  one("mix_weights", p.mix_weights);
  one("pool_logits", p.pool_logits);
  one("gate", p.gate);
  one("key_projection", p.key_projection);
  one("value_projection", p.value_projection);
}

}  // namespace attend::attention
