#pragma once

#include "attend/attention/attend.h"

namespace attend::attention {

/// What the fused forward pass gives: the output [batch, queries, heads, d_v] and, for the backward pass, the
/// log2 of each query's sum [batch, heads, queries] (backend/kernels/attention.h).
struct FusedResult {
  Tensor output, log_sum;
};

/// Off the tape. Arguments as attend(), already checked.
FusedResult fused_forward(const Tensor& query, const Tensor& key, const Tensor& value,
                          const AttentionSpec& spec, const Run& run);

struct QueryKeyValue {
  Tensor query, key, value;
};

/// Writes the three gradients into tensors of the shapes of query, key and value, any strides whose last one
/// is 1.
void fused_backward(const QueryKeyValue& inputs, const FusedResult& result, const Tensor& output_gradient,
                    const AttentionSpec& spec, const Run& run, const QueryKeyValue& gradients);

/// Output of few queries over a long cache, off the tape.
Tensor fused_decode(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec);

/// Throws Error unless the tensors fit together and the fused kernels take them.
void check_operands(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec);

}  // namespace attend::attention
