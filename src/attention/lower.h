#pragma once

#include <memory>

#include "attention/mask_table.h"

namespace attend::attention {

/// What the fused kernels take: queries, keys and values prepared so that the score is a dot product, or
/// vector . tanh(query + key), and what is added to it.
struct Lowered {
  Tensor query, key, value;
  Tensor key_bias = {};       ///< [batch, key heads, keys], or undefined
  Tensor distance_bias = {};  ///< [heads, queries + keys - 1], or undefined
  Tensor sink = {};           ///< [heads], or undefined
  Tensor vector = {};         ///< [heads, d], of an additive score of queries and keys in f32 or f64
  bool exponentials = false;  ///< of an additive score: backend::AttentionShape::exponentials
  double scale = 1, soft_cap = 0, temperature = 1;
  bool sigmoid = false;
  double sigmoid_bias = 0, dropout = 0;
  RandomStream random = {};
  std::shared_ptr<const ScoreFunction> function = nullptr;
  std::shared_ptr<const MaskTable> mask = nullptr;
};

/// True when the fused kernels compute this mechanism; the composite computes the others.
bool is_fused(const AttentionSpec& spec);

/// True when the fused kernels count its statistics: weights that sum to 1 and have an entropy.
bool has_fused_statistics(const AttentionSpec& spec);

/// True when the kernels take queries and keys as they are.
bool takes_plain_operands(const AttentionSpec& spec);

/// weight_h x of each head h: x [batch, length, heads or key heads, d] and weight [heads, out, d] to [batch,
/// length, heads, out], dense.
Tensor projected_by_head(const Tensor& x, const Tensor& weight);

/// Prepares a mechanism of which is_fused() holds, by differentiable operations of O(length) work.
Lowered lower(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec,
              const Run& run);

}  // namespace attend::attention
