#pragma once

#include "attend/attention/observe.h"
#include "attend/nn/row_groups.h"

namespace attend::nn {

/// Tells an observer row by row what attention computed for groups of rows.
class GroupedObserver : public attention::Observer {
 public:
  GroupedObserver(attention::Observer& observer, const RowGroups& groups)
      : observer_(observer), groups_(groups) {}

  bool wants(std::int64_t layer) override;
  void observe(std::int64_t layer, const Tensor& weights) override;
  // Statistics of a group mix its rows: those of each row are counted from the weights.
  std::optional<attention::StatisticsOptions> wants_statistics(std::int64_t) override { return std::nullopt; }

 private:
  attention::Observer& observer_;
  const RowGroups& groups_;
  bool wants_weights_ = false;
  std::optional<attention::StatisticsOptions> statistics_;
};

}  // namespace attend::nn
