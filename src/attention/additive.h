#pragma once

#include "attention/lower.h"

namespace attend::attention {

/// Parameters::vector [heads, hidden]. Throws Error when it is missing or has another shape.
Tensor additive_vector(const Run& run, std::int64_t heads, DType dtype);

/// Score::Kind::additive: query becomes query_weight q and key key_weight k, both f32 (f64 for f64), with a
/// key and a value for each query head.
void lower_additive(Lowered& x, const Run& run);

/// True when additive_step() does what attend() is asked for: one query a row over prepared keys, plain
/// softmax.
bool is_additive_step(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run);

/// attend() of which is_additive_step() holds, without the observer and the fusion of heads: [batch, 1,
/// heads, d_v].
Tensor additive_step(const Tensor& query, const Tensor& key, const Tensor& value, const Run& run);

}  // namespace attend::attention
