#pragma once

#include <cstdint>

#include "attend/tensor/tensor.h"

namespace attend::attention {

/// Receives what attention looked at. A hook in the settings of a run, never state of a layer. Observing
/// changes no bit of any output: the weights are computed again, from what the fused kernel saved, after it
/// is done.
class Observer {
 public:
  virtual ~Observer() = default;
  /// Called once for each attention layer of a forward pass, in order. Should this layer be observed?
  virtual bool wants(std::int64_t layer) = 0;
  /// The exact weights before dropout: [batch, heads, queries, keys], f32, each row sums to 1 (or is all
  /// zeros where a query may look at nothing).
  virtual void observe(std::int64_t layer, const Tensor& weights) = 0;
};

}  // namespace attend::attention
