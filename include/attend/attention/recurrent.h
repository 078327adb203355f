#pragma once

#include <cstdint>

#include "attend/attention/spec.h"
#include "attend/tensor/tensor.h"

namespace attend::attention {

/// What causal attention by feature maps (Gather::Kind::kernelised and performer) keeps of the tokens seen so
/// far: for each head the sums of phi(k) v^T and phi(k), of one size however many tokens there were
/// (Katharopoulos et al., "Transformers are RNNs", 2020). Tokens cannot be taken back.
class RecurrentState {
 public:
  /// For queries and keys of `dim` and values of `value_dim` elements. `dtype` is theirs; sums are f32 (f64
  /// for f64). Throws Error for sizes below 1, a dtype that is not f32, bf16 or f64, or a spec that is not
  /// causal and kernelised or performer.
  RecurrentState(std::int64_t batch, std::int64_t key_heads, std::int64_t dim, std::int64_t value_dim,
                 DType dtype, const AttentionSpec& spec);

  /// Adds n >= 1 tokens, key [batch, n, key heads, dim] and value [batch, n, key heads, value_dim], and gives
  /// the attention of their queries [batch, n, heads, dim] over all tokens so far: [batch, n, heads,
  /// value_dim], up to rounding what attend() gives for all tokens at once. Off the tape. Throws Error when
  /// the tensors do not fit; then nothing was added.
  Tensor step(const Tensor& query, const Tensor& key, const Tensor& value);

  std::int64_t length() const { return length_; }
  /// Memory of the sums.
  std::int64_t bytes() const;

 private:
  AttentionSpec spec_;
  DType dtype_;
  // [batch, key heads, features, value_dim + 1]; the last column is the sum of phi(k).
  Tensor sums_;
  // Performer: the exponents taken off the keys' features in sums_, [batch, key heads, 1, features].
  Tensor exponent_;
  std::int64_t dim_, length_ = 0;
};

}  // namespace attend::attention
