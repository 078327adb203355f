#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "attend/base/random.h"

namespace attend::decode {

struct SamplerOptions {
  double temperature = 1;  ///< scores are divided by it; 0: always the most likely token
  std::int64_t top_k = 0;  ///< only the k most likely tokens; 0: all
  /// Only the fewest tokens that have this probability together (Holtzman et al., "The Curious Case of Neural
  /// Text Degeneration", 2020).
  double top_p = 1;
  std::uint64_t seed = 1;
};

/// Throws Error naming the option that is out of its range.
void validate(const SamplerOptions& options);

/// Draws the next token by its score (a logit).
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {}

  /// Throws Error when a score is NaN.
  std::int32_t draw(const std::vector<float>& scores);

 private:
  SamplerOptions options_;
  Generator random_;
};

/// The `count` largest scores as (token, probability), largest first, equal ones by token. Throws Error when
/// a score is NaN.
std::vector<std::pair<std::int32_t, double>> most_likely(const std::vector<float>& scores, std::int64_t count,
                                                         double temperature = 1);

}  // namespace attend::decode
