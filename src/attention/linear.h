#pragma once

#include <vector>

#include "attend/attention/attend.h"

/// Attention that never builds the [queries, keys] matrix: what linear.cpp, recurrent.cpp and the files of
/// the methods share. Queries are [batch, heads, queries, d], keys [batch, key heads, keys, d] and values
/// [batch, key heads, keys, d_v] here, all f32 or all f64.
namespace attend::attention {

struct LinearInputs {
  Tensor query, key, value;
};

/// Each key head repeated for its group of query heads: [batch, key heads, n, d] to [batch, heads, n, d].
Tensor repeated_heads(const Tensor& x, std::int64_t heads);

// Feature maps (kernelised.cpp, performer.cpp).

/// elu(x) + 1, element by element.
Tensor kernelised_features(const Tensor& x);

/// log(sqrt(features) phi(x)) of the random features of exp(scale q . k): w . x' - |x'|^2 / 2 with
/// x' = sqrt(scale) x, for each row w: [..., d] to [..., features].
Tensor random_feature_exponents(const Tensor& x, const Gather& gather, double scale);

/// The rows w: [features, d], blocks of d orthogonal rows whose lengths are those of Gaussian vectors.
Tensor orthogonal_features(const Gather& gather, std::int64_t dim, DType dtype);

/// phi of the queries [batch, heads, queries, features] and keys [batch, key heads, keys, features]; rows of
/// keys that `counts` (bool, [batch, 1, keys, 1]; undefined: all) leaves out are zeros. Performer: factors
/// that cancel are taken off for each query, and for each feature and key head: the largest that there is.
struct FeaturePair {
  Tensor query, key;
  /// Performer: log of the factor that was taken off the keys' phi, [batch, key heads, 1, features].
  Tensor key_exponent;
};
/// `exponent_before`: the key_exponent of earlier keys; the factor is then the largest over those, too.
FeaturePair features_of(const LinearInputs& inputs, const Tensor& counts, const AttentionSpec& spec,
                        const Tensor& exponent_before = {});

// The sums that the feature maps share (kernelised.cpp).

/// The values with a column of ones, so that one product gives the weighted sum and the sum of the weights.
Tensor with_ones(const Tensor& value);
/// All columns but the last one divided by the last one; zeros where that is below 1e-30 (1e-290 in f64).
Tensor normalised(const Tensor& sums);
/// y_i = sum over j <= i of (a_i . b_j) c_j, for a and b [batch, heads, n, m] and c [batch, heads, n, d],
/// on the tape; nothing but the operands is kept for the backward pass.
Tensor causal_product(const Tensor& a, const Tensor& b, const Tensor& c);
/// sum_j (phi(q_i) . phi(k_j)) v_j / sum_j (phi(q_i) . phi(k_j)), over j <= i + keys - queries when causal.
Tensor feature_attention(const FeaturePair& features, const Tensor& value, bool causal);

// Methods with small softmax matrices. `by_definition` multiplies the weights out before the values are read.

Tensor linformer(const LinearInputs& inputs, const AttentionSpec& spec, const Run& run, bool by_definition);
/// `landmark_queries`: the landmarks are the means of so many first queries.
Tensor nystrom(const LinearInputs& inputs, const AttentionSpec& spec, std::int64_t landmark_queries,
               bool by_definition);

}  // namespace attend::attention
