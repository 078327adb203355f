#pragma once

#include <memory>

#include "attend/attention/attend.h"
#include "attend/attention/cache.h"
#include "attend/nn/linear.h"
#include "attend/nn/positions.h"

namespace attend::nn {

struct MultiHeadAttentionOptions {
  std::int64_t heads = 1;
  /// Heads of keys and values, each shared by heads / key_heads query heads (grouped-query attention, Ainslie
  /// et al. 2023); 0 means as many as `heads`.
  std::int64_t key_heads = 0;
  /// What the heads do: mechanism, mask, dropout of the weights ...
  AttentionSpec attention = {};
  /// Most keys there will be; only mechanisms that project keys along their places (linformer) ask for it.
  std::int64_t longest = 0;
  /// Queries and keys are turned by their places when set.
  std::shared_ptr<const Rotary> rotary = nullptr;
  bool bias = true;
  double initialisation_std = 0.02;
  double output_std = 0.02;  ///< of the output projection
};

/// Self-attention with several heads (Vaswani et al., 2017): one projection "qkv" [(heads + 2 key_heads) d,
/// dim] whose rows are all queries, all keys, all values, head by head, d = dim / heads; attention; a
/// projection "output" [dim, dim], or [dim, d] when the mechanism makes one answer of all heads
/// (attention::Fuse). What the mechanism learns are parameters under their names in attention::Parameters;
/// its gate, if it has one, is the sigmoid of a projection "gate" [heads, dim] of x with a bias.
class MultiHeadAttention : public Module {
 public:
  /// Throws Error when heads do not divide dim, or key_heads do not divide heads.
  MultiHeadAttention(std::int64_t dim, const MultiHeadAttentionOptions& options, Generator& random);

  /// x [batch, length, dim] to the same shape.
  Tensor forward(const Tensor& x, const attention::Run& run = {}) const;
  /// The same for new tokens x [batch, n, dim] that follow those in the cache; adds their keys and values to
  /// it. Off the tape. Throws Error when the cache is full.
  Tensor forward(const Tensor& x, attention::KeyValueCache& cache, const attention::Run& run = {}) const;

  /// An empty cache that fits this layer.
  attention::KeyValueCache make_cache(std::int64_t batch, std::int64_t capacity, DType dtype) const;

 private:
  Tensor project(const Tensor& x, std::int64_t first_place) const;
  attention::Run with_parameters(const attention::Run& run, const Tensor& x) const;
  Tensor projected_output(const Tensor& answer) const;

  std::int64_t dim_, heads_, key_heads_;
  AttentionSpec attention_;
  std::shared_ptr<const Rotary> rotary_;
  Linear qkv_, output_;
  attention::Parameters learned_;
  std::unique_ptr<Linear> gate_;
};

}  // namespace attend::nn
