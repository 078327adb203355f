#include "task/image_generate/attention_maps.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

namespace attend::task {

namespace {

using explain::PictureMap;

/// A place, in quarters of the height and the width.
struct Query {
  const char* name;
  std::int64_t row_quarters, column_quarters;
};
constexpr std::array<Query, 5> kQueries = {{{"middle", 2, 2},
                                            {"top left", 1, 1},
                                            {"top right", 1, 3},
                                            {"bottom left", 3, 1},
                                            {"bottom right", 3, 3}}};

// The mean over the heads of what one query looks at. weights [1, heads, queries, keys].
std::vector<float> looked_at(const Tensor& weights, std::int64_t query) {
  const std::int64_t heads = weights.dim(1), queries = weights.dim(2), keys = weights.dim(3);
  const auto values = weights.to_vector<float>();
  std::vector<float> result(static_cast<std::size_t>(keys));
  for (std::int64_t head = 0; head < heads; ++head)
    for (std::int64_t key = 0; key < keys; ++key)
      result[static_cast<std::size_t>(key)] +=
          values[static_cast<std::size_t>((head * queries + query) * keys + key)];
  return result;
}

}  // namespace

std::vector<PictureMap> maps_of(const AttentionWatcher& seen, const model::ImageGenerationConfig& config) {
  const op::Size2 size = config.size_of(config.attention_stage);
  std::vector<PictureMap> maps;
  const auto add = [&](std::string name, std::string about, std::vector<float> values) {
    maps.push_back(scaled({.name = std::move(name),
                           .about = std::move(about),
                           .height = size.height,
                           .width = size.width,
                           .values = std::move(values)}));
  };
  for (const auto& [layer, gates] : seen.gates())
    if (gates.places.defined())
      maps.push_back({.name = "Gates",
                      .about = "what CBAM multiplies each place by",
                      .height = gates.places.dim(1),
                      .width = gates.places.dim(2),
                      .values = gates.places.to_vector<float>()});
  for (const auto& [layer, weights] : seen.weights()) {
    add("Attention", "the attention that each place gets, the mean over heads",
        received(weights, 0, weights.dim(1), 0));
    for (const Query& query : kQueries) {
      const std::int64_t row = size.height * query.row_quarters / 4,
                         column = size.width * query.column_quarters / 4;
      add(fmt::format("From the {}", query.name),
          fmt::format("what place ({}, {}) looks at, the mean over heads", row, column),
          looked_at(weights, row * size.width + column));
    }
  }
  return maps;
}

}  // namespace attend::task
