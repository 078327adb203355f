#pragma once

#include "attend/attention/attend.h"

/// The five steps of the definition, each a file of its own, from ordinary differentiable operations. Query
/// [batch, heads, queries, d], key [batch, heads, keys, d_k] and value [batch, heads, keys, d_v] have a head
/// each (key heads repeated); scores and weights are [batch, heads, queries, keys].
namespace attend::attention {

/// Step 1, soft cap included (score.cpp).
Tensor scores_of(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run);

// What step 1 is made of (score.cpp).
/// x / |x| over the last axis; a small term keeps zero vectors, and their gradients, finite.
Tensor unit_vectors(const Tensor& x);
/// x less its mean over the last axis.
Tensor centred(const Tensor& x);
/// Parameters::temperature [heads], not below 0.01.
Tensor cosine_temperature(const Run& run, std::int64_t heads, DType dtype);

/// Step 2 (place.cpp): adds what distance adds (positions.cpp), applies the user's function, and sets pairs
/// that may not look at each other to -infinity.
Tensor placed(const Tensor& scores, const Tensor& query, const Tensor& key, const AttentionSpec& spec,
              const Run& run);

/// For the positions that depend on the head and the distance alone (alibi, alibi_learned, buckets, span):
/// what each adds, [heads, queries + keys - 1] on the tape, f32 (f64 where the parameters are); element j - i
/// + queries - 1 is for query i and key j. -infinity where span forbids the pair, with gradient 0. The fused
/// kernels take it as it is; position_scores() spreads it. Undefined for the other positions (positions.cpp).
Tensor distance_bias(const AttentionSpec& spec, const Run& run, std::int64_t heads, std::int64_t queries,
                     std::int64_t keys, DType dtype);

/// What Place::positions adds to the scores, of a shape that broadcasts to theirs; undefined for none
/// (positions.cpp).
Tensor position_scores(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run);

/// Step 3 before dropout (weigh.cpp). A score of -infinity weighs 0; a row of them gives zeros and finite
/// gradients.
Tensor weighed(const Tensor& scores, const AttentionSpec& spec, const Run& run);

/// Step 4 (gather.cpp): [batch, heads, queries, d_v].
Tensor gathered(const Tensor& weights, const Tensor& value, const AttentionSpec& spec, const Run& run);

/// Step 5 (fuse.cpp): answer [batch, queries, heads, d_v] to [batch, queries, heads or 1, d_v].
Tensor heads_fused(const Tensor& answer, const AttentionSpec& spec, const Run& run);

/// Methods of Gather that replace steps 1 to 4 (linear.cpp): query [batch, queries, heads, d], key and value
/// [batch, keys, key heads, d] to [batch, queries, heads, d_v]. `by_definition` builds the whole matrix, for
/// tests; otherwise memory grows linearly with the lengths.
Tensor linear_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                        const AttentionSpec& spec, const Run& run, bool by_definition);

/// [batch, length, key heads, d] to [batch, heads, length, d]: each key head stands for its group of query
/// heads.
Tensor by_head(const Tensor& x, std::int64_t heads);

/// Which pairs may look at each other, bool [batch or 1, 1, queries, keys]; undefined when all may
/// (place.cpp).
Tensor dense_mask(const Place& place, const Run& run, std::int64_t queries, std::int64_t keys);

/// The factor of the spec's score, its own or the default of its kind (score.h).
double score_scale(const AttentionSpec& spec, std::int64_t dim);

}  // namespace attend::attention
