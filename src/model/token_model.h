#pragma once

#include <span>

#include "attend/attention/reinforce.h"
#include "attend/model/loss_options.h"
#include "attend/nn/run.h"

/// What models over tokens share.
namespace attend::model {

/// The dtype of activations beside these weights. Throws Error when run.compute cannot be it.
DType compute_dtype(const Tensor& weights, const nn::Run& run);

/// Throws Error unless tokens are [batch, length] with at least one token, and with `before` earlier ones fit
/// in the context.
void check_tokens(const Tensor& tokens, std::int64_t before, std::int64_t context);

/// Throws Error unless lengths are undefined, or i32 [rows of the source] from 1 to its length.
void check_source_lengths(const Tensor& lengths, const Tensor& source);

/// Throws Error unless targets are of the shape of target, and it has as many rows as the source.
void check_targets(const Tensor& source, const Tensor& target, const Tensor& targets);

/// Throws Error for room for more tokens than the context.
void check_capacity(std::int64_t capacity, std::int64_t context);

/// Elements of i32 [count] by their places; undefined for undefined values.
Tensor picked_lengths(const Tensor& values, std::span<const std::int32_t> places);

/// Mean cross entropy of the scores features weight^T; those of a large vocabulary are never all in memory.
/// What attention has drawn, if anything, gets the score-function estimate of its gradient: the reward of a
/// draw is the log-likelihood of the target of its query, its baseline the mean reward of that place in the
/// other rows of the batch.
Tensor output_loss(const Tensor& features, const Tensor& weight, const Tensor& targets,
                   const LossOptions& options, const attention::Draws* draws = nullptr);

/// The last token of x [batch, length, dim]: [batch, dim]. Off the tape; undefined for an undefined x.
Tensor last_token(const Tensor& x);

}  // namespace attend::model
