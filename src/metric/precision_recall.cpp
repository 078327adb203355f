#include "attend/metric/precision_recall.h"

namespace attend::metric {

PrecisionRecall precision_recall(std::int64_t correct, std::int64_t predicted, std::int64_t expected) {
  PrecisionRecall result;
  const auto hits = static_cast<double>(correct);
  if (predicted > 0) result.precision = hits / static_cast<double>(predicted);
  if (expected > 0) result.recall = hits / static_cast<double>(expected);
  const double sum = result.precision + result.recall;
  if (sum > 0) result.f1 = 2 * result.precision * result.recall / sum;
  return result;
}

}  // namespace attend::metric
