#pragma once

#include "attend/nn/cross_attention.h"
#include "attend/nn/feed_forward.h"
#include "attend/nn/norm.h"
#include "attend/nn/row_groups.h"
#include "attend/nn/run.h"

namespace attend::nn {

struct DecoderBlockOptions {
  MultiHeadAttentionOptions self_attention = {};   ///< causal
  MultiHeadAttentionOptions cross_attention = {};  ///< without places: see CrossAttention
  FeedForwardOptions feed_forward = {};
  NormKind norm = NormKind::layer;
  NormOptions norm_options = {};
  /// Normalise the stream after each branch, not what the branch reads.
  bool post_norm = false;
  /// Of what each branch adds to the stream, in training.
  double dropout = 0;
};

/// A block of the transformer's decoder (Vaswani et al., 2017), which writes one sequence and looks at
/// another, the memory. With norms before the branches:
///
///     x = x + dropout(self_attention(self_attention_norm(x)))
///     x = x + dropout(cross_attention(cross_attention_norm(x), memory))
///     x = x + dropout(feed_forward(feed_forward_norm(x)))
///
/// The last sum is left to the next norm: see Residual. With post_norm as in the paper, x = norm(x +
/// dropout(branch(x))) three times, and no branch is open.
class DecoderBlock : public Module {
 public:
  /// Throws Error when tokens could see those that follow: self-attention that cannot be computed token by
  /// token (attention::can_decode), or cross-attention by landmarks of the queries (nystrom).
  DecoderBlock(std::int64_t dim, const DecoderBlockOptions& options, Generator& random);

  /// What an observer is told as the layers of self- and cross-attention.
  struct Layers {
    std::int64_t self_attention = 0, cross_attention = 0;
  };
  /// All that a forward pass depends on beside its inputs: with the same Call it gives the same bits each
  /// time.
  struct Call {
    attention::Run self_attention, cross_attention;
    bool training = false;
    RandomStream self_branch, cross_branch, feed_forward_branch;
  };
  /// Draws the streams this block needs from run.random. run.key_lengths are those of x; memory_lengths, i32
  /// [rows of the memory] or undefined for all, those of the memory.
  Call call(const Run& run, const Tensor& memory_lengths, const Layers& layers) const;

  /// Projects a memory [batch, length, dim] for forward().
  CrossAttention::Memory project(const Tensor& memory) const { return cross_attention_.project(memory); }
  /// x [batch, length, dim] to the same shape.
  Residual forward(Residual x, const CrossAttention::Memory& memory, const Call& call) const;
  /// Keeps only x and the memory [batch, length, dim] for the backward pass, and computes the rest again
  /// there. The observer is told once. Throws Error when the call asks for draws, whose place on the tape
  /// would be lost.
  Residual forward_recomputed(const Residual& x, const Tensor& memory, const Call& call) const;

  /// What this block keeps while decoding: keys and values of the tokens seen, row by row, and those of the
  /// memory, which rows may share.
  struct Cache {
    attention::KeyValueCache self_attention, memory;
  };
  Cache make_cache(const Tensor& memory, std::int64_t rows, std::int64_t capacity) const;
  /// For new tokens x [rows, n, dim] that follow those in the cache: adds their keys and values to it. Off
  /// the tape. Throws Error when the cache is full.
  Residual forward(Residual x, Cache& cache, const RowGroups& groups, const Call& call) const;

 private:
  template <class SelfAttention, class Cross>
  Residual branches(Residual x, const Call& call, SelfAttention&& self_attention, Cross&& cross) const;
  Tensor look(const Tensor& x, const attention::KeyValueCache& memory, const RowGroups& groups,
              const attention::Run& run) const;

  double dropout_;
  bool post_norm_, self_is_random_, cross_is_random_;
  std::unique_ptr<Norm> self_attention_norm_;
  MultiHeadAttention self_attention_;
  std::unique_ptr<Norm> cross_attention_norm_;
  CrossAttention cross_attention_;
  std::unique_ptr<Norm> feed_forward_norm_;
  FeedForward feed_forward_;
};

}  // namespace attend::nn
