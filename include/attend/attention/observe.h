#pragma once

#include <cstdint>
#include <optional>

#include "attend/tensor/tensor.h"

namespace attend::attention {

struct StatisticsOptions {
  /// Largest weights of each query that are kept, 0 to 64.
  std::int64_t top = 8;
};

/// What each query looked at, before dropout; f32 (f64 for f64 inputs).
struct Statistics {
  /// [batch, heads, queries, top]: the keys of the largest weights, largest first (i32, -1 where there are
  /// fewer weights above 0), and the weights.
  Tensor top_keys, top_weights;
  Tensor entropy;   ///< [batch, heads, queries]: -sum of weight * ln(weight), in nats
  Tensor distance;  ///< [batch, heads, queries]: sum of weight * |place of the query - key|, in places
  Tensor mass;      ///< [batch, heads, keys]: what the key receives, the sum of its weights over the queries
};

/// What a layer multiplied feature maps by, where it weighs whole channels or places (nn::FeatureAttention):
/// f32, from 0 to 1; undefined where it does not.
struct Gates {
  Tensor channels;  ///< [batch, channels]
  Tensor places;    ///< [batch, height, width]
};

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
  /// Should statistics of this layer be counted? They need memory for a few numbers a query.
  virtual std::optional<StatisticsOptions> wants_statistics(std::int64_t /*layer*/) { return std::nullopt; }
  virtual void observe_statistics(std::int64_t /*layer*/, const Statistics& /*statistics*/) {}
  /// Called for each layer with gates, if it wants() that layer.
  virtual void observe_gates(std::int64_t /*layer*/, const Gates& /*gates*/) {}
  /// Called for each spatial transformer, if it wants() that layer, with theta [batch, 2, 3], f32: the affine
  /// maps from places of its result to places of what it read (op::affine_grid).
  virtual void observe_affine(std::int64_t /*layer*/, const Tensor& /*theta*/) {}
};

}  // namespace attend::attention
