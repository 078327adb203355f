#include "attend/decode/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attend/base/error.h"

namespace attend::decode {

void validate(const SamplerOptions& options) {
  const auto require = [](bool holds, std::string_view name, double found, std::string_view accepted) {
    if (!holds) throw Error(fmt::format("{} {}: {} accepted", name, found, accepted));
  };
  require(options.temperature >= 0 && std::isfinite(options.temperature), "temperature", options.temperature,
          "0 or more");
  require(options.top_k >= 0, "top-k", static_cast<double>(options.top_k), "0 (all) or more");
  require(options.top_p > 0 && options.top_p <= 1, "top-p", options.top_p, "above 0, at most 1");
}

std::vector<std::pair<std::int32_t, double>> most_likely(const std::vector<float>& scores, std::int64_t count,
                                                         double temperature) {
  for (const float score : scores) {
    if (std::isnan(score)) throw Error("the model gives a score that is NaN: its weights are damaged");
  }
  std::vector<std::int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto kept = std::clamp<std::int64_t>(count, 1, static_cast<std::int64_t>(scores.size()));
  const auto score_of = [&](std::int32_t id) { return scores[static_cast<std::size_t>(id)]; };
  std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](std::int32_t a, std::int32_t b) {
    return score_of(a) != score_of(b) ? score_of(a) > score_of(b) : a < b;
  });
  const double largest = score_of(order[0]);
  const auto weight = [&](std::int32_t id) { return std::exp((score_of(id) - largest) / temperature); };
  double all = 0;
  for (std::size_t id = 0; id < scores.size(); ++id) all += weight(static_cast<std::int32_t>(id));
  std::vector<std::pair<std::int32_t, double>> result;
  for (std::int64_t i = 0; i < kept; ++i) {
    const std::int32_t id = order[static_cast<std::size_t>(i)];
    result.emplace_back(id, weight(id) / all);
  }
  return result;
}

std::int32_t Sampler::draw(const std::vector<float>& scores) {
  if (options_.temperature == 0) return most_likely(scores, 1).front().first;
  const std::int64_t count = options_.top_k == 0 ? static_cast<std::int64_t>(scores.size()) : options_.top_k;
  std::vector<std::pair<std::int32_t, double>> candidates = most_likely(scores, count, options_.temperature);
  double kept = 0, all = 0;
  for (const auto& [id, probability] : candidates) all += probability;
  std::size_t size = 0;
  while (size < candidates.size() && (size == 0 || kept < options_.top_p * all))
    kept += candidates[size++].second;
  const double wanted = random_.uniform() * kept;
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) {
    sum += candidates[i].second;
    if (wanted < sum) return candidates[i].first;
  }
  return candidates[size - 1].first;
}

}  // namespace attend::decode
