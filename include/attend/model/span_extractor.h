#pragma once

#include "attend/model/encoder.h"
#include "attend/nn/prediction_heads.h"

namespace attend::model {

/// Finds the span of a text that answers a question: an encoder over both, told apart by segments, and a
/// score for each token to start and to end the span (Devlin et al., "BERT", 2019, section 4.2). The first
/// token, a mark, stands for "no answer" (section 4.3). Parameters: "encoder.", "head." and those of the
/// parts.
class SpanExtractor : public nn::Module {
 public:
  explicit SpanExtractor(const EncoderConfig& config, std::uint64_t seed = 0);

  const EncoderConfig& config() const { return encoder_.config(); }
  const Encoder& encoder() const { return encoder_; }

  /// Of each token, [batch, length], of the compute dtype; -infinity at padding.
  nn::SpanHead::Logits logits(const EncoderInput& input, const nn::Run& run = {}) const;
  /// The same from features [batch, length, dim] of the encoder.
  nn::SpanHead::Logits logits_of(const Tensor& features, const Tensor& lengths = {},
                                 const nn::Run& run = {}) const;

  /// The mean cross entropy of starts and ends, i32 or i64 [batch]: half of each.
  Tensor loss(const EncoderInput& input, const Tensor& starts, const Tensor& ends,
              const nn::Run& run = {}) const;

 private:
  Encoder encoder_;
  std::unique_ptr<nn::SpanHead> head_;
};

}  // namespace attend::model
