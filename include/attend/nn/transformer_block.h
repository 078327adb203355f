#pragma once

#include "attend/nn/feed_forward.h"
#include "attend/nn/multi_head_attention.h"
#include "attend/nn/norm.h"
#include "attend/nn/run.h"

namespace attend::nn {

struct TransformerBlockOptions {
  MultiHeadAttentionOptions attention = {};
  FeedForwardOptions feed_forward = {};
  NormKind norm = NormKind::layer;
  NormOptions norm_options = {};
  /// Normalise the stream after each branch, not what the branch reads.
  bool post_norm = false;
  /// Of what each branch adds to the stream, in training.
  double dropout = 0;
};

/// Pre-norm transformer block (Xiong et al., "On Layer Normalization in the Transformer Architecture", 2020):
///
///     x = x + dropout(attention(attention_norm(x)))
///     x = x + dropout(feed_forward(feed_forward_norm(x)))
///
/// The last sum is left to the next norm: see Residual. Or, by option, the post-norm block of Vaswani et al.
/// (2017), whose stream has no open branch and ends normalised:
///
///     x = attention_norm(x + dropout(attention(x)))
///     x = feed_forward_norm(x + dropout(feed_forward(x)))
class TransformerBlock : public Module {
 public:
  TransformerBlock(std::int64_t dim, const TransformerBlockOptions& options, Generator& random);

  /// All that a forward pass depends on beside its input: with the same Call it gives the same bits each
  /// time.
  struct Call {
    attention::Run attention;
    bool training = false;
    RandomStream attention_branch, feed_forward_branch;
  };
  /// Draws the streams this block needs from run.random. `layer` is what the observer is told.
  Call call(const Run& run, std::int64_t layer) const;

  /// x [batch, length, dim] to the same shape.
  Residual forward(Residual x, const Call& call) const;
  /// Keeps only x for the backward pass, and computes the rest again there. The observer is told once. Throws
  /// Error when the call asks for draws, whose place on the tape would be lost.
  Residual forward_recomputed(const Residual& x, const Call& call) const;
  /// For new tokens that follow those in the cache: see MultiHeadAttention.
  Residual forward(Residual x, attention::KeyValueCache& cache, const Call& call) const;

  attention::KeyValueCache make_cache(std::int64_t batch, std::int64_t capacity, DType dtype) const {
    return attention_.make_cache(batch, capacity, dtype);
  }

 private:
  Residual forward(Residual x, attention::KeyValueCache* cache, const Call& call) const;

  double dropout_;
  bool post_norm_, attention_is_random_;
  std::unique_ptr<Norm> attention_norm_;
  MultiHeadAttention attention_;
  std::unique_ptr<Norm> feed_forward_norm_;
  FeedForward feed_forward_;
};

}  // namespace attend::nn
