#pragma once

#include <optional>

#include "attend/attention/statistics.h"
#include "attention/lower.h"
#include "backend/kernels/attention.h"

namespace attend::attention {

/// What the fused forward pass gives: the output [batch, queries, heads, d_v] and, for the backward pass, the
/// log2 of each query's sum [batch, heads, queries] (backend/kernels/attention.h); and the statistics that
/// were asked for.
struct FusedResult {
  Tensor output, log_sum;
  std::optional<Statistics> statistics = {};
};

/// Off the tape. Asking for statistics changes no bit of the output.
FusedResult fused_forward(const Lowered& x, const std::optional<StatisticsOptions>& wanted = {});

/// Gradients of what Lowered holds; each is written where it is defined. Those of query, key and value may
/// have any strides whose last one is 1.
struct LoweredGradients {
  Tensor query, key, value, key_bias, distance_bias, sink, vector;
};
void fused_backward(const Lowered& x, const FusedResult& result, const Tensor& output_gradient,
                    const LoweredGradients& gradients);

/// Output of few queries over a long cache, off the tape.
Tensor fused_decode(const Lowered& x);

/// Runs the forward pass of all heads with its statistics (fused_statistics.cpp).
Statistics forward_with_statistics(const backend::AttentionForward& work, const StatisticsOptions& options);

/// Statistics without a value.
Statistics empty_statistics(const backend::AttentionShape& shape, const StatisticsOptions& options);

Tensor fused_tile(const Lowered& x, const Tensor& log_sum, const Tile& tile);

/// What run.observer wants to be counted by the fused pass itself; nothing when there is no observer.
std::optional<StatisticsOptions> wanted_of_pass(const AttentionSpec& spec, const Run& run);

/// Tells run.observer, if there is one, what it wants to know: the one function that does so, for every way
/// to compute a mechanism. `pass`: what came of a fused pass that was asked for wanted_of_pass(); null when
/// there was none.
void tell_observer(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run,
                   const FusedResult* pass = nullptr);

/// Throws Error unless the tensors fit together, the kernels take them, and the spec is valid
/// (attention/validate.h). Every function that computes attention of tensors calls it first.
void check_operands(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec);

}  // namespace attend::attention
