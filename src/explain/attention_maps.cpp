#include "attend/explain/attention_maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/base/error.h"

namespace attend::explain {
namespace {

// A softmax rounded to bfloat16 can exceed 1 by half a unit in the last place, 2^-8.
constexpr float kLargestWeight = 1.0f + 1.0f / 256.0f;

void check_range(const char* what, std::int64_t index, std::int64_t count) {
  if (index < 0 || index >= count)
    throw Error(fmt::format("{} {} does not exist: this model has {} {} to {}, counted from 0", what, index,
                            what, 0, count - 1));
}

bool is_share(float weight) {
  return weight >= 0.0f && weight <= kLargestWeight;
}

[[noreturn]] void fail_weight(const AttentionMaps& maps, std::int64_t i, const char* accepted) {
  const auto keys = static_cast<std::int64_t>(maps.keys.size()),
             matrix = static_cast<std::int64_t>(maps.queries.size()) * keys;
  throw Error(fmt::format("attention weight [{}, {}, {}, {}] is {}, {} is accepted", i / matrix / maps.heads,
                          i / matrix % maps.heads, i % matrix / keys, i % keys,
                          maps.weights[static_cast<std::size_t>(i)], accepted));
}

}  // namespace

void check_shape(const AttentionMaps& maps) {
  if (maps.layers < 1 || maps.heads < 1)
    throw Error(fmt::format("attention maps need at least one layer and one head, found {} and {}",
                            maps.layers, maps.heads));
  if (maps.queries.empty() || maps.keys.empty())
    throw Error("attention maps need at least one token, found none: the text is empty");
  const auto queries = static_cast<std::int64_t>(maps.queries.size());
  const auto keys = static_cast<std::int64_t>(maps.keys.size());
  if (std::max(queries, keys) > kMaxTokens)
    throw Error(fmt::format("attention maps of {} tokens are too long to show, at most {} are accepted",
                            std::max(queries, keys), kMaxTokens));
  if (maps.causal && queries > keys)
    throw Error(fmt::format("causal attention maps have {} queries but only {} keys", queries, keys));
  const auto found = static_cast<std::int64_t>(maps.weights.size());
  // Dividing instead of multiplying keeps absurd numbers of layers from overflowing.
  const std::int64_t matrix = queries * keys;
  if (found % matrix != 0 || found / matrix % maps.heads != 0 || found / matrix / maps.heads != maps.layers)
    throw Error(fmt::format("attention maps of shape [{}, {}, {}, {}] do not match their {} weights",
                            maps.layers, maps.heads, queries, keys, found));
  for (std::int64_t i = 0; i < found; ++i) {
    const float weight = maps.weights[i];
    if (!std::isfinite(weight)) fail_weight(maps, i, "a finite number");
  }
}

void check(const AttentionMaps& maps) {
  check_shape(maps);
  for (std::size_t i = 0; i < maps.weights.size(); ++i)
    if (!is_share(maps.weights[i])) fail_weight(maps, static_cast<std::int64_t>(i), "a number from 0 to 1");
}

AttentionMaps drawable(AttentionMaps maps) {
  check_shape(maps);
  if (std::all_of(maps.weights.begin(), maps.weights.end(), is_share)) return maps;
  const auto [least, most] = std::minmax_element(maps.weights.begin(), maps.weights.end());
  maps.title += fmt::format("{}weights from {:.3g} to {:.3g}, drawn as 0 to 1",
                            maps.title.empty() ? "" : ": ", *least, *most);
  for (float& weight : maps.weights) weight = std::clamp(weight, 0.0f, 1.0f);
  return maps;
}

std::vector<float> head_weights(const AttentionMaps& maps, std::int64_t layer,
                                std::optional<std::int64_t> head) {
  check_range("layer", layer, maps.layers);
  if (head) check_range("head", *head, maps.heads);
  const std::size_t matrix = maps.queries.size() * maps.keys.size();
  const float* first = maps.weights.data() + static_cast<std::size_t>(layer * maps.heads) * matrix;
  if (head) {
    first += static_cast<std::size_t>(*head) * matrix;
    return {first, first + matrix};
  }
  std::vector<float> mean(first, first + matrix);
  for (std::int64_t h = 1; h < maps.heads; ++h)
    for (std::size_t i = 0; i < matrix; ++i) mean[i] += first[static_cast<std::size_t>(h) * matrix + i];
  for (float& weight : mean) weight /= static_cast<float>(maps.heads);
  return mean;
}

}  // namespace attend::explain
