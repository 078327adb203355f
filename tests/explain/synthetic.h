#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "attend/base/random.h"
#include "attend/explain/attention_maps.h"

namespace attend::explain {

/// Maps that look like a trained model's: by turns, heads that look at the token before, at the first token,
/// at equal tokens earlier in the text, and at everything. The same for the same arguments.
inline AttentionMaps synthetic_maps(std::vector<std::string> tokens, std::int64_t layers, std::int64_t heads,
                                    bool causal = true) {
  constexpr std::uint64_t kSeed = 7;
  Generator random(kSeed);
  AttentionMaps maps;
  maps.queries = maps.keys = std::move(tokens);
  maps.layers = layers;
  maps.heads = heads;
  maps.causal = causal;
  const auto count = static_cast<std::int64_t>(maps.keys.size());
  maps.weights.assign(static_cast<std::size_t>(layers * heads * count * count), 0.0f);
  for (std::int64_t map = 0; map < layers * heads; ++map) {
    const std::int64_t kind = (map + map / heads) % 4, back = 1 + map / heads;
    for (std::int64_t q = 0; q < count; ++q) {
      float* row = maps.weights.data() + (map * count + q) * count;
      const std::int64_t end = causal ? q + 1 : count;
      double sum = 0.0;
      for (std::int64_t k = 0; k < end; ++k) {
        double score = 1.5 * random.uniform();
        if (kind == 0) score += 6.0 - 2.0 * static_cast<double>(std::abs(q - k - back));
        if (kind == 1 && k == 0) score += 4.0;
        if (kind == 2 && maps.keys[q] == maps.keys[k]) score += 3.0;
        if (kind == 3) score -= 0.02 * static_cast<double>(q - k);
        row[k] = static_cast<float>(std::exp(score));
        sum += row[k];
      }
      for (std::int64_t k = 0; k < end; ++k) row[k] = static_cast<float>(row[k] / sum);
    }
  }
  return maps;
}

inline std::vector<std::string> words() {
  return {"It",  " was",   " the", " best", " of", " times", ",",    " it",  " was", " the",    " worst",
          " of", " times", ",",    "\n",    "it",  " was",   " the", " age", " of",  " wisdom", ",",
          " it", " was",   " the", " age",  " of", " fool",  "ish",  "ness", "."};
}

}  // namespace attend::explain
