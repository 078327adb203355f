#pragma once

#include <memory>
#include <vector>

#include "attend/attention/spec.h"
#include "attend/model/encoder_config.h"
#include "attend/nn/embedding.h"
#include "attend/nn/transformer_block.h"

namespace attend::model {

/// Sequences of different lengths as one batch: shorter ones are filled up.
struct EncoderInput {
  Tensor tokens;         ///< i32 or i64 [batch, length]
  Tensor lengths = {};   ///< i32 [batch], the real tokens of each row, at least 1; undefined: all
  Tensor segments = {};  ///< i32 or i64 [batch, length], below EncoderConfig::segments; undefined: all 0
};

/// A transformer encoder: every token sees those before and those after it (Devlin et al., "BERT:
/// Pre-training of Deep Bidirectional Transformers for Language Understanding", 2019).
///
/// Parameters: token_embedding.weight [vocabulary, dim]; position_embedding.weight [context, dim] when
/// learned; segment_embedding.weight [segments, dim] if there are segments; embedding_norm.{weight, bias} if
/// wanted; blocks.I.{attention_norm, attention.qkv, attention.output, feed_forward_norm, feed_forward.inner,
/// feed_forward.output}.{weight, bias}; norm.{weight, bias} unless post-norm; blocks.I.attention.NAME for
/// what the mechanism learns (nn::MultiHeadAttention). They are f32 at first; see nn::Run::compute and
/// Module::cast_parameters for bf16.
class Encoder : public nn::Module {
 public:
  /// Weights drawn from streams of the seed: the same bits for any number of threads. Throws Error for a
  /// configuration that validate() rejects.
  explicit Encoder(const EncoderConfig& config, std::uint64_t seed = 0);

  const EncoderConfig& config() const { return config_; }

  /// What each token means where it stands: [batch, length, dim] of the compute dtype. What stands at padding
  /// has no influence on any bit of the real tokens' features; the features there mean nothing. Throws Error
  /// for a length above the context, a token, a segment or a length out of range, and segments where the
  /// configuration has none.
  Tensor features(const EncoderInput& input, const nn::Run& run = {}) const;

  /// The two halves of features(), for who wants the gradient of the embeddings in between: [batch, length,
  /// dim], before the embedding norm and dropout, ...
  Tensor embed(const EncoderInput& input, const nn::Run& run = {}) const;
  /// ... and what the layers make of it.
  Tensor encode(const Tensor& embedded, const Tensor& lengths = {}, const nn::Run& run = {}) const;

  /// [vocabulary, dim], also the output embedding of a head that tells tokens.
  const Tensor& token_embeddings() const { return token_embedding_->weight(); }

  /// Parameters in matrix products: all matrices but the embeddings.
  std::int64_t matmul_parameters() const;
  /// Of a training step, forward and backward, over sequences of `length` tokens: 6 matmul_parameters() + 12
  /// layers dim length for each token (Chowdhery et al., "PaLM", 2022, appendix B).
  double training_flops_per_token(std::int64_t length) const;

 private:
  void check(const EncoderInput& input) const;

  EncoderConfig config_;
  std::unique_ptr<nn::Embedding> token_embedding_, position_embedding_, segment_embedding_;
  Tensor sinusoids_;
  std::unique_ptr<nn::Norm> embedding_norm_;
  std::vector<std::unique_ptr<nn::TransformerBlock>> blocks_;
  std::unique_ptr<nn::Norm> norm_;
};

}  // namespace attend::model
