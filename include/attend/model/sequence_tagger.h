#pragma once

#include <memory>

#include "attend/model/encoder.h"
#include "attend/nn/character_cnn.h"
#include "attend/nn/crf.h"
#include "attend/nn/prediction_heads.h"

namespace attend::model {

struct SequenceTaggerConfig {
  EncoderConfig encoder = {};
  std::int64_t tags = 2;
  /// A conditional random field over the tags of a sequence (Lample et al., 2016); otherwise each word is
  /// tagged for itself.
  bool crf = true;
  /// Different characters of words; from them a convolution of so many filters makes features of each word
  /// that are added to the embedding of its first token (Ma and Hovy, 2016). 0 filters: none.
  std::int64_t characters = 0, character_filters = 0;

  bool operator==(const SequenceTaggerConfig&) const = default;
};

/// Sequences of words, each of which is one token or several.
struct TaggerInput {
  EncoderInput sequences = {};
  Tensor words = {};         ///< i32 or i64 [batch, words]: where the first token of each word stands
  Tensor word_lengths = {};  ///< i32 or i64 [batch], the words of each row; `words` behind them mean nothing
  /// Of a model with a convolution over characters: how words are spelt, i32 or i64 [spellings, length], and
  /// with how many characters, [spellings]; and the spelling of each word, i64 [batch, words].
  Tensor characters = {}, character_lengths = {}, spellings = {};
};

/// Tags the words of sequences: an encoder, a linear layer on the features of each word's first token (Devlin
/// et al., "BERT", 2019, section 5.3), and a conditional random field if wanted. Parameters: "encoder.",
/// "head.", "crf.", "characters." and "character_projection." and those of the parts.
class SequenceTagger : public nn::Module {
 public:
  /// Throws Error for a configuration that validate() rejects and for fewer than one tag.
  explicit SequenceTagger(const SequenceTaggerConfig& config, std::uint64_t seed = 0);

  const SequenceTaggerConfig& config() const { return config_; }
  const Encoder& encoder() const { return encoder_; }

  /// The scores of the tags of each word by its features alone, f32 (f64 for f64 parameters) [batch, words,
  /// tags]. Throws Error as Encoder::features does, and for a word outside the length of its row.
  Tensor emissions(const TaggerInput& input, const nn::Run& run = {}) const;

  /// The same with the scores of pairs of tags, all 0 without a field: what the functions of
  /// attend/op/crf.h take, which tell the likelihood, the best tags and their probabilities.
  op::CrfScores scores(const TaggerInput& input, const nn::Run& run = {}) const;

  /// -log p(tags) by the word: the negative log-likelihood of the tags of all rows, over the number of their
  /// words. tags: i32 or i64 [batch, words]; those behind word_lengths mean nothing.
  Tensor loss(const TaggerInput& input, const Tensor& tags, const nn::Run& run = {}) const;
  /// The sum over the words of each row, f32 (f64) [batch].
  Tensor losses(const TaggerInput& input, const Tensor& tags, const nn::Run& run = {}) const;

  /// The most likely tags, i64 [batch, words]; -1 behind word_lengths.
  Tensor decode(const TaggerInput& input, const nn::Run& run = {}) const;
  /// The probability of each tag of each word, [batch, words, tags]; 0 behind word_lengths.
  Tensor probabilities(const TaggerInput& input, const nn::Run& run = {}) const;

 private:
  Tensor with_characters(const Tensor& embedded, const TaggerInput& input) const;

  SequenceTaggerConfig config_;
  Encoder encoder_;
  std::unique_ptr<nn::TokenHead> head_;
  std::unique_ptr<nn::Crf> crf_;
  std::unique_ptr<nn::CharacterCnn> characters_;
  std::unique_ptr<nn::Linear> character_projection_;
};

}  // namespace attend::model
