#pragma once

#include <memory>

#include "attend/model/encoder.h"
#include "attend/nn/prediction_heads.h"

namespace attend::model {

/// Tells hidden tokens from those around them: an encoder and a head that shares the table of token
/// embeddings with it (Devlin et al., "BERT", 2019). Parameters: "encoder." and "head." and those of the
/// parts.
class MaskedLanguageModel : public nn::Module {
 public:
  /// Throws Error for a configuration that validate() rejects.
  explicit MaskedLanguageModel(const EncoderConfig& config, std::uint64_t seed = 0);

  const EncoderConfig& config() const { return encoder_.config(); }
  const Encoder& encoder() const { return encoder_; }

  /// The mean cross entropy of the targets that are not -1, 0 when there are none. targets: i32 or i64
  /// [batch, length].
  Tensor loss(const EncoderInput& input, const Tensor& targets, const nn::Run& run = {}) const;

  /// What may stand at some places: places i64 [n], numbers of tokens in input.tokens read row by row; the
  /// logits [n, vocabulary], of the compute dtype. Throws Error for a place that is not there.
  Tensor logits(const EncoderInput& input, const Tensor& places, const nn::Run& run = {}) const;

 private:
  Encoder encoder_;
  std::unique_ptr<nn::MaskedTokenHead> head_;
};

}  // namespace attend::model
