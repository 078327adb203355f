#include "attend/attention/parameters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "attend/attention/attend.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using attention::Gather;
using attention::initial_parameters;
using attention::Parameters;
using attention::ParameterSizes;
using attention::Place;
using attention::Score;

constexpr ParameterSizes kSizes = {
    .heads = 8, .dim = 16, .key_dim = 12, .value_dim = 10, .hidden = 20, .keys = 40};

std::map<std::string, Tensor> parameters_of(const AttentionSpec& spec, std::uint64_t seed = 3) {
  Generator random(seed);
  Parameters parameters = initial_parameters(spec, kSizes, random);
  std::map<std::string, Tensor> result;
  attention::for_each(parameters, [&](const std::string& name, Tensor& tensor) { result[name] = tensor; });
  return result;
}

AttentionSpec with_score(Score::Kind kind) {
  AttentionSpec spec;
  spec.score.kind = kind;
  return spec;
}

AttentionSpec with_positions(Place::Positions positions) {
  AttentionSpec spec;
  spec.place.positions = positions;
  return spec;
}

double deviation(const Tensor& tensor) {
  double sum = 0;
  for (const double x : tensor.to_vector<double>()) sum += x * x;
  return std::sqrt(sum / static_cast<double>(tensor.elements()));
}

double largest(const Tensor& tensor) {
  double most = 0;
  for (const double x : tensor.to_vector<double>()) most = std::max(most, std::abs(x));
  return most;
}

TEST(Parameters, AreThoseOfTheSpecAndNoOthers) {
  AttentionSpec rest;
  rest.weigh.sink = rest.weigh.talking_heads = true;
  rest.fuse = {.kind = attention::Fuse::Kind::pool, .gate = true};
  AttentionSpec linformer;
  linformer.gather = {.kind = Gather::Kind::linformer, .features = 6};
  const std::vector<std::pair<AttentionSpec, std::map<std::string, Shape>>> cases = {
      {{}, {}},
      {with_score(Score::Kind::bilinear), {{"bilinear", {8, 16, 12}}}},
      {with_score(Score::Kind::additive),
       {{"query_weight", {8, 20, 16}}, {"key_weight", {8, 20, 12}}, {"vector", {8, 20}}}},
      {with_score(Score::Kind::cosine), {{"temperature", {8}}}},
      {with_score(Score::Kind::euclidean), {}},
      {with_score(Score::Kind::pearson), {}},
      {with_positions(Place::Positions::alibi), {}},
      {with_positions(Place::Positions::alibi_learned), {{"slopes", {8}}}},
      {with_positions(Place::Positions::buckets), {{"bucket_bias", {8, 32}}}},
      {with_positions(Place::Positions::shaw), {{"relative_keys", {33, 16}}, {"relative_values", {33, 10}}}},
      {with_positions(Place::Positions::transformer_xl),
       {{"content_bias", {8, 16}}, {"position_bias", {8, 16}}, {"relative_projection", {8, 16, 128}}}},
      {with_positions(Place::Positions::span), {{"span", {8}}}},
      {with_positions(Place::Positions::grid), {{"grid_bias", {8, 15, 15}}}},
      {rest, {{"sink_logits", {8}}, {"mix_scores", {8, 8}}, {"mix_weights", {8, 8}}, {"pool_logits", {8}}}},
      {linformer, {{"key_projection", {6, 40}}, {"value_projection", {6, 40}}}}};
  for (const auto& [spec, expected] : cases) {
    std::map<std::string, Shape> shapes;
    for (const auto& [name, tensor] : parameters_of(spec)) {
      shapes[name] = tensor.shape();
      EXPECT_EQ(tensor.dtype(), DType::f32) << name;
    }
    EXPECT_EQ(shapes, expected);
  }
}

TEST(Parameters, StartAsPublished) {
  const Tensor bilinear = parameters_of(with_score(Score::Kind::bilinear))["bilinear"];
  EXPECT_NEAR(deviation(bilinear), 0.1 / std::sqrt(3), 0.002);
  EXPECT_LE(largest(bilinear), 0.1);
  auto additive = parameters_of(with_score(Score::Kind::additive));
  EXPECT_NEAR(deviation(additive["query_weight"]), 1e-3, 5e-5);
  EXPECT_NEAR(deviation(additive["key_weight"]), 1e-3, 5e-5);
  EXPECT_EQ(largest(additive["vector"]), 0);
  EXPECT_NEAR(parameters_of(with_score(Score::Kind::cosine))["temperature"].to_vector<double>()[5], 0.1,
              1e-8);
  const auto slopes =
      parameters_of(with_positions(Place::Positions::alibi_learned))["slopes"].to_vector<double>();
  for (std::size_t h = 0; h < 8; ++h) EXPECT_EQ(slopes[h], std::exp2(-1.0 - static_cast<double>(h)));
  EXPECT_NEAR(deviation(parameters_of(with_positions(Place::Positions::buckets))["bucket_bias"]),
              1 / std::sqrt(128.0), 0.01);
  auto shaw = parameters_of(with_positions(Place::Positions::shaw));
  EXPECT_NEAR(deviation(shaw["relative_keys"]), std::sqrt(2.0 / (33 + 16)), 0.02);
  EXPECT_NEAR(deviation(shaw["relative_values"]), std::sqrt(2.0 / (33 + 10)), 0.02);
  auto xl = parameters_of(with_positions(Place::Positions::transformer_xl));
  for (const char* name : {"content_bias", "position_bias", "relative_projection"})
    EXPECT_NEAR(deviation(xl[name]), 0.02, 0.003) << name;
  EXPECT_EQ(largest(parameters_of(with_positions(Place::Positions::span))["span"]), 0);
  EXPECT_NEAR(deviation(parameters_of(with_positions(Place::Positions::grid))["grid_bias"]), 0.02, 0.003);
  AttentionSpec rest;
  rest.weigh.sink = rest.weigh.talking_heads = true;
  rest.fuse.kind = attention::Fuse::Kind::pool;
  auto zeros = parameters_of(rest);
  EXPECT_EQ(largest(zeros["sink_logits"]), 0);
  EXPECT_EQ(largest(zeros["pool_logits"]), 0);
  for (const char* name : {"mix_scores", "mix_weights"}) {
    const auto mix = zeros[name].to_vector<double>();
    for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(mix[i], i % 9 == 0 ? 1 : 0);
  }
  AttentionSpec linformer;
  linformer.gather = {.kind = Gather::Kind::linformer, .features = 24};
  auto rows = parameters_of(linformer);
  EXPECT_NEAR(deviation(rows["key_projection"]), 0.125, 0.01);
  EXPECT_NEAR(deviation(rows["value_projection"]), 0.125, 0.01);
  EXPECT_FALSE(test::same_bits(rows["key_projection"], rows["value_projection"]));
}

TEST(Parameters, DependOnTheGeneratorAlone) {
  for (const AttentionSpec& spec :
       {with_score(Score::Kind::additive), with_positions(Place::Positions::transformer_xl)}) {
    const auto once = parameters_of(spec), again = parameters_of(spec), other = parameters_of(spec, 4);
    for (const auto& [name, tensor] : once) {
      EXPECT_TRUE(test::same_bits(tensor, again.at(name))) << name;
      EXPECT_EQ(bool(test::same_bits(tensor, other.at(name))), name == "vector") << name;
    }
  }
}

TEST(Parameters, SizesOfZeroAreThoseOfTheQueries) {
  Generator random(1);
  const Parameters p = initial_parameters(with_score(Score::Kind::additive), {.heads = 2, .dim = 5}, random);
  EXPECT_EQ(p.key_weight.shape(), (Shape{2, 5, 5}));
  const Parameters shaw =
      initial_parameters(with_positions(Place::Positions::shaw), {.heads = 2, .dim = 5}, random);
  EXPECT_EQ(shaw.relative_values.shape(), (Shape{33, 5}));
}

TEST(Parameters, SayWhatIsWrong) {
  Generator random(1);
  EXPECT_ERROR(initial_parameters({}, {.heads = 0}, random), "0 heads");
  EXPECT_ERROR(initial_parameters({}, {.heads = 1, .dim = 1, .hidden = -1}, random), "hidden -1");
  AttentionSpec linformer;
  linformer.gather.kind = Gather::Kind::linformer;
  EXPECT_ERROR(initial_parameters(linformer, {.heads = 1, .dim = 4}, random), "over 0 keys");
  EXPECT_ERROR(initial_parameters(linformer, {.heads = 0, .keys = 4}, random), "sizes from 1");
  AttentionSpec shaw = with_positions(Place::Positions::shaw);
  shaw.place.clip = -2;
  EXPECT_ERROR(initial_parameters(shaw, {.heads = 1, .dim = 4}, random), "clip -2");
}

}  // namespace
}  // namespace attend
