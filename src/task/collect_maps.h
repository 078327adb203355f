#pragma once

#include "attend/attention/observe.h"
#include "attend/explain/attention_maps.h"

namespace attend::task {

/// Keeps the attention weights of every layer for a batch of one row.
class MapCollector : public attention::Observer {
 public:
  bool wants(std::int64_t /*layer*/) override { return true; }
  void observe(std::int64_t /*layer*/, const Tensor& weights) override {
    maps.heads = weights.dim(1);
    ++maps.layers;
    const std::vector<float> values = weights.to_vector<float>();
    maps.weights.insert(maps.weights.end(), values.begin(), values.end());
  }

  explain::AttentionMaps maps;  ///< layers, heads and weights
};

}  // namespace attend::task
