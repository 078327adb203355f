#include "nn/grouped_observer.h"

#include "attend/attention/statistics.h"

namespace attend::nn {

bool GroupedObserver::wants(std::int64_t layer) {
  wants_weights_ = observer_.wants(layer);
  statistics_ = observer_.wants_statistics(layer);
  return wants_weights_ || statistics_.has_value();
}

void GroupedObserver::observe(std::int64_t layer, const Tensor& weights) {
  const Tensor by_row = groups_.ungrouped_weights(weights);
  if (wants_weights_) observer_.observe(layer, by_row);
  if (statistics_) observer_.observe_statistics(layer, attention::statistics_of(by_row, *statistics_));
}

}  // namespace attend::nn
