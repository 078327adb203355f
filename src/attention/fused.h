#pragma once

#include "attend/attention/statistics.h"
#include "attention/lower.h"

namespace attend::attention {

/// What the fused forward pass gives: the output [batch, queries, heads, d_v] and, for the backward pass, the
/// log2 of each query's sum [batch, heads, queries] (backend/kernels/attention.h).
struct FusedResult {
  Tensor output, log_sum;
};

/// Off the tape.
FusedResult fused_forward(const Lowered& x);

/// Gradients of what Lowered holds; each is written where it is defined. Those of query, key and value may
/// have any strides whose last one is 1.
struct LoweredGradients {
  Tensor query, key, value, key_bias, distance_bias, sink, vector;
};
void fused_backward(const Lowered& x, const FusedResult& result, const Tensor& output_gradient,
                    const LoweredGradients& gradients);

/// Output of few queries over a long cache, off the tape.
Tensor fused_decode(const Lowered& x);

/// Statistics of the weights of a forward pass, from its log_sum, off the tape.
Statistics fused_statistics(const Lowered& x, const Tensor& log_sum, const StatisticsOptions& options);
Tensor fused_tile(const Lowered& x, const Tensor& log_sum, const Tile& tile);

/// What a fused forward pass has left for statistics; `x` is null when there was none.
struct FusedPass {
  const Lowered* x = nullptr;
  Tensor log_sum = {};
};

/// Tells run.observer, if there is one, what it wants to know: the one function that does so, for every way
/// to compute a mechanism. Statistics come from `pass` where they can (statistics.cpp).
void tell_observer(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run,
                   const FusedPass& pass = {});

/// Throws Error unless the tensors fit together, the kernels take them, and the spec is valid
/// (attention/validate.h). Every function that computes attention of tensors calls it first.
void check_operands(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec);

}  // namespace attend::attention
