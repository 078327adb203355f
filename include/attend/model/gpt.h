#pragma once

#include <memory>
#include <span>
#include <vector>

#include "attend/model/gpt_config.h"
#include "attend/model/loss_options.h"
#include "attend/nn/embedding.h"
#include "attend/nn/transformer_block.h"

namespace attend::model {

class Gpt;

/// What a Gpt remembers of the tokens it has seen: keys and values of every layer.
class GptCache {
 public:
  /// Number of tokens seen, and the most there is room for.
  std::int64_t length() const { return layers_.front().length(); }
  std::int64_t capacity() const { return layers_.front().capacity(); }
  std::int64_t batch() const { return layers_.front().batch(); }
  /// Forgets all tokens after the first `length`.
  void truncate(std::int64_t length);
  /// Row i goes on with what row rows[i] was: attention::KeyValueCache::reorder.
  void reorder(std::span<const std::int32_t> rows);

 private:
  friend class Gpt;
  std::vector<attention::KeyValueCache> layers_;
};

/// A decoder-only transformer that predicts the next token (Radford et al., "Language Models are Unsupervised
/// Multitask Learners", 2019), pre-norm.
///
/// Parameters: token_embedding.weight [vocabulary, dim]; position_embedding.weight [context, dim] when
/// learned; blocks.I.{attention_norm, attention.qkv, attention.output, feed_forward_norm, feed_forward.inner,
/// feed_forward.output}.{weight, bias}; norm.{weight, bias}; output_embedding.weight [vocabulary, dim] unless
/// tied; blocks.I.attention.NAME for what the attention mechanism learns (nn::MultiHeadAttention). They are
/// f32 at first; see nn::Run::compute and Module::cast_parameters for bf16.
class Gpt : public nn::Module {
 public:
  /// Weights drawn from streams of the seed: the same bits for any number of threads. Throws Error for a
  /// configuration that validate() rejects.
  explicit Gpt(const GptConfig& config, std::uint64_t seed = 0);

  const GptConfig& config() const { return config_; }

  /// The scores of the token after each token: tokens [batch, length], i32 or i64, to [batch, length,
  /// vocabulary] of the compute dtype. Throws Error for a length above the context or a token outside the
  /// vocabulary.
  Tensor logits(const Tensor& tokens, const nn::Run& run = {}) const;

  /// Mean cross entropy of targets [batch, length], a scalar. A large vocabulary is worked through in chunks:
  /// its logits are never all in memory.
  ///
  /// In training with attention that draws keys (attention::Weigh::Kind::reinforce) the gradient, not the
  /// value, has the score-function estimate with it: the reward of a draw is the log-likelihood of the target
  /// of its query, its baseline the mean reward of that place in the other rows of the batch.
  Tensor loss(const Tensor& tokens, const Tensor& targets, const nn::Run& run = {},
              const LossOptions& options = {}) const;

  /// An empty cache; capacity 0 means the context. Throws Error for a capacity above the context.
  GptCache make_cache(std::int64_t batch = 1, std::int64_t capacity = 0, const nn::Run& run = {}) const;

  /// Adds tokens [batch, n] to the cache and returns the scores of the token after them: [batch, vocabulary].
  /// Off the tape, never in training. Every weight is read once. Throws Error when the cache has no room, and
  /// then it is as it was before.
  Tensor next_logits(const Tensor& tokens, GptCache& cache, const nn::Run& run = {}) const;

  /// Parameters in matrix products: all matrices, the output embedding included, token and position
  /// embeddings not.
  std::int64_t matmul_parameters() const;
  /// Of a training step, forward and backward, over sequences of `length` tokens: 6 matmul_parameters() + 12
  /// layers dim length for each token (Chowdhery et al., "PaLM", 2022, appendix B).
  double training_flops_per_token(std::int64_t length) const;

 private:
  Tensor embed(const Tensor& tokens, std::int64_t first_place, const nn::Run& run) const;
  Tensor hidden(const Tensor& tokens, const nn::Run& run) const;
  const Tensor& output_weight() const;

  GptConfig config_;
  AttentionSpec attention_;
  std::unique_ptr<nn::Embedding> token_embedding_, position_embedding_;
  Tensor sinusoids_;
  std::vector<std::unique_ptr<nn::TransformerBlock>> blocks_;
  std::unique_ptr<nn::Norm> norm_;
  std::unique_ptr<nn::Embedding> output_embedding_;
};

}  // namespace attend::model
