#pragma once

#include <memory>
#include <span>
#include <vector>

#include "attend/model/encoder_decoder.h"
#include "attend/model/seq2seq_config.h"
#include "attend/nn/decoder_block.h"
#include "attend/nn/embedding.h"
#include "attend/nn/transformer_block.h"

namespace attend::model {

class Seq2Seq;

/// What the encoder has made of the sources, for the decoder to look at.
struct Seq2SeqMemory {
  Tensor states;   ///< [batch, length, dim]
  Tensor lengths;  ///< real tokens of each row, i32 [batch]; undefined: all
};

/// What a Seq2Seq remembers while it writes: keys and values of the tokens of each row, and those of the
/// memories, which rows may share: several hypotheses of one source need its memory once.
class Seq2SeqCache {
 public:
  /// Number of tokens seen, and the most there is room for.
  std::int64_t length() const { return layers_.front().self_attention.length(); }
  std::int64_t capacity() const { return layers_.front().self_attention.capacity(); }
  std::int64_t rows() const { return groups_.rows(); }
  /// The source that each row was made for: a row of the memory given to make_cache().
  std::span<const std::int32_t> source_of_row() const { return source_of_row_; }
  /// Forgets all tokens after the first `length`.
  void truncate(std::int64_t length);
  /// Row i goes on with what row rows[i] was, source included; there may be more rows or fewer than before.
  /// Costs least when rows of one source stand together, as many for each, and when rows that go on stay
  /// where they are. Throws Error for no rows, or one that there is not.
  void reorder(std::span<const std::int32_t> rows);

 private:
  friend class Seq2Seq;
  Seq2SeqCache(std::int64_t rows, const Tensor& lengths);

  std::vector<nn::DecoderBlock::Cache> layers_;
  nn::RowGroups groups_;
  Tensor memory_lengths_;
  std::vector<std::int32_t> source_of_row_;
};

/// An encoder-decoder transformer (Vaswani et al., "Attention Is All You Need", 2017): reads one sequence of
/// tokens and writes another.
///
///     const Seq2SeqMemory memory = model.encode(source, lengths, run);
///     Seq2SeqCache cache = model.make_cache(memory, 100);
///     Tensor scores = model.next_logits(start_tokens, cache);       // [rows, target vocabulary]
///
/// Parameters: source_embedding.weight [source vocabulary, dim] and target_embedding.weight [target
/// vocabulary, dim], or embedding.weight when they are shared; source_position_embedding.weight and
/// target_position_embedding.weight [context, dim] when learned; encoder.I.{attention_norm, attention.qkv,
/// attention.output, feed_forward_norm, feed_forward.inner, feed_forward.output}.{weight, bias};
/// decoder.I.{self_attention_norm, self_attention.qkv, self_attention.output, cross_attention_norm,
/// cross_attention.query, cross_attention.key_value, cross_attention.output, feed_forward_norm,
/// feed_forward.inner, feed_forward.output}.{weight, bias}; encoder_norm and decoder_norm.{weight, bias}
/// without post_norm; output_embedding.weight [target vocabulary, dim] unless tied; and what the mechanisms
/// learn, beside the projections of their layers. They are f32 at first; see nn::Run::compute and
/// Module::cast_parameters for bf16.
///
/// An observer of a run is told the layers that Seq2SeqConfig counts. Run::key_lengths is not used: lengths
/// are arguments here, and padding of the target stands behind its tokens, where no token looks.
class Seq2Seq : public EncoderDecoder {
 public:
  /// Weights drawn from streams of the seed: the same bits for any number of threads. Throws Error for a
  /// configuration that validate() rejects.
  explicit Seq2Seq(const Seq2SeqConfig& config, std::uint64_t seed = 0);

  const Seq2SeqConfig& config() const { return config_; }
  EncoderDecoderConfig encoder_decoder_config() const override;

  /// Reads sources [batch, length], i32 or i64, with lengths i32 [batch] from 1 to length (undefined: all);
  /// tokens behind them are padding, and what they are changes no bit of what follows. Throws Error for a
  /// length above the context, a token outside the vocabulary, or lengths that do not fit.
  Seq2SeqMemory encode(const Tensor& source, const Tensor& source_lengths = {},
                       const nn::Run& run = {}) const;

  /// The scores of the token after each token of the targets [batch, length]: [batch, length, target
  /// vocabulary], of the compute dtype.
  Tensor logits(const Seq2SeqMemory& memory, const Tensor& target, const nn::Run& run = {}) const;
  Tensor logits(const Tensor& source, const Tensor& source_lengths, const Tensor& target,
                const nn::Run& run) const override;

  /// As EncoderDecoder::loss; attention that draws keys learns as in Gpt::loss.
  Tensor loss(const Tensor& source, const Tensor& source_lengths, const Tensor& target, const Tensor& targets,
              const nn::Run& run = {}, const LossOptions& options = {}) const override;
  std::unique_ptr<Writer> writer(const Tensor& source, const Tensor& source_lengths, std::int64_t capacity,
                                 const nn::Run& run) const override;

  /// An empty cache with one row for each source; capacity 0 means the context. Throws Error for a capacity
  /// above the context.
  Seq2SeqCache make_cache(const Seq2SeqMemory& memory, std::int64_t capacity = 0) const;

  /// Adds tokens [rows, n] to the cache and returns the scores of the token after them: [rows, target
  /// vocabulary]. Off the tape, never in training. Throws Error when the cache has no room, and then it is as
  /// it was before.
  Tensor next_logits(const Tensor& tokens, Seq2SeqCache& cache, const nn::Run& run = {}) const;

  /// Floating-point operations of a training step, forward and backward, over sources of `source` and targets
  /// of `target` tokens, a pair: 6 for each parameter of a matrix that a token meets, and 12 dim for each
  /// pair of tokens that attention compares in a layer.
  double training_flops(std::int64_t source, std::int64_t target) const;

 private:
  struct Side {
    std::unique_ptr<nn::Embedding> tokens, positions;
  };
  void make_embedding(std::unique_ptr<nn::Embedding>& embedding, const std::string& name, std::int64_t count,
                      Generator& random);
  const Tensor& output_weight() const;
  Tensor embed(const Side& side, const Tensor& tokens, std::int64_t first_place, const nn::Run& run) const;
  Tensor hidden(const Seq2SeqMemory& memory, const Tensor& target, const nn::Run& run) const;
  nn::DecoderBlock::Layers layers_of(std::size_t block) const;

  Seq2SeqConfig config_;
  /// Of source_ without tokens when the vocabulary is shared: target_ has them.
  Side source_, target_;
  std::unique_ptr<nn::Embedding> output_embedding_;
  Tensor sinusoids_;
  std::vector<std::unique_ptr<nn::TransformerBlock>> encoder_;
  std::vector<std::unique_ptr<nn::DecoderBlock>> decoder_;
  std::unique_ptr<nn::Norm> encoder_norm_, decoder_norm_;
  bool draws_ = false;
};

}  // namespace attend::model
