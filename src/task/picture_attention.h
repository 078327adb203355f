#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "attend/attention/observe.h"
#include "attend/explain/picture_maps.h"

namespace attend::task {

/// Keeps the weights and gates of every layer over the places of a picture.
class AttentionWatcher : public attention::Observer {
 public:
  bool wants(std::int64_t) override { return true; }
  void observe(std::int64_t layer, const Tensor& weights) override { weights_[layer] = weights; }
  void observe_gates(std::int64_t layer, const attention::Gates& gates) override { gates_[layer] = gates; }
  void observe_affine(std::int64_t, const Tensor& theta) override { theta_ = theta.to_vector<float>(); }

  const std::map<std::int64_t, Tensor>& weights() const { return weights_; }
  const std::map<std::int64_t, attention::Gates>& gates() const { return gates_; }
  /// The affine map of a spatial transformer, of the first picture; empty where there is none.
  const std::vector<float>& theta() const { return theta_; }

 private:
  std::map<std::int64_t, Tensor> weights_;
  std::map<std::int64_t, attention::Gates> gates_;
  std::vector<float> theta_;
};

/// The map with 1 at its largest value; what is below 0 counts nothing.
explain::PictureMap scaled(explain::PictureMap map);

/// The mean over the queries of what each key gets, of heads [first, end), without the first `skipped` keys.
/// weights [1, heads, queries, keys].
std::vector<float> received(const Tensor& weights, std::int64_t first, std::int64_t end,
                            std::int64_t skipped);

}  // namespace attend::task
