#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "attend/base/random.h"
#include "attend/task/language_model.h"

namespace attend::task {

/// Draws the next token by its score (a logit).
class Sampler {
 public:
  explicit Sampler(const SampleOptions& options) : options_(options), random_(options.seed) {}

  /// Throws Error when a score is NaN.
  std::int32_t draw(const std::vector<float>& scores);

 private:
  const SampleOptions& options_;
  Generator random_;
};

/// The `count` largest scores as (token, probability), largest first, equal ones by token.
std::vector<std::pair<std::int32_t, double>> most_likely(const std::vector<float>& scores, std::int64_t count,
                                                         double temperature = 1);

}  // namespace attend::task
