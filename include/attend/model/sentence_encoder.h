#pragma once

#include "attend/model/encoder.h"
#include "attend/nn/pooling.h"

namespace attend::model {

struct SentenceEncoderConfig {
  EncoderConfig encoder;
  nn::PoolingKind pooling = nn::PoolingKind::mean;

  bool operator==(const SentenceEncoderConfig&) const = default;
};

/// Makes one vector of length 1 of a text, so that texts that mean the same lie close together: an encoder
/// and a pooling, the same for both texts of a pair (Reimers and Gurevych, "Sentence-BERT", 2019).
/// Parameters: "encoder.", "pooling." and those of the parts.
class SentenceEncoder : public nn::Module {
 public:
  explicit SentenceEncoder(const SentenceEncoderConfig& config, std::uint64_t seed = 0);

  const SentenceEncoderConfig& config() const { return config_; }
  const Encoder& encoder() const { return encoder_; }
  const nn::Pooling& pooling() const { return pooling_; }

  /// [batch, dim], rows of length 1, f32 (f64 of f64 parameters).
  Tensor embeddings(const EncoderInput& input, const nn::Run& run = {}) const;
  /// The same from features [batch, length, dim] of the encoder.
  Tensor embeddings_of(const Tensor& features, const Tensor& lengths = {}) const;

 private:
  SentenceEncoderConfig config_;
  Encoder encoder_;
  nn::Pooling pooling_;
};

}  // namespace attend::model
