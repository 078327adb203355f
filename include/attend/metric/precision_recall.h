#pragma once

#include <cstdint>

namespace attend::metric {

/// precision = correct / predicted, recall = correct / expected, f1 = 2 P R / (P + R), each in [0, 1]; a
/// quotient whose divisor is 0 is 0.
struct PrecisionRecall {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

/// The three ratios from what was counted.
PrecisionRecall precision_recall(std::int64_t correct, std::int64_t predicted, std::int64_t expected);

}  // namespace attend::metric
