#pragma once

#include <memory>
#include <vector>

#include "attend/model/encoder.h"
#include "attend/nn/pooling.h"
#include "attend/nn/prediction_heads.h"

namespace attend::model {

struct SequenceClassifierConfig {
  EncoderConfig encoder;
  nn::PoolingKind pooling = nn::PoolingKind::mean;
  std::vector<std::int64_t> classes = {2};  ///< of each question that is asked about a sequence

  bool operator==(const SequenceClassifierConfig&) const = default;
};

/// Answers one or several questions about a sequence: an encoder, one vector for the whole of it, and a
/// linear layer for each question. Parameters: "encoder.", "pooling.", "heads.I." and those of the parts.
class SequenceClassifier : public nn::Module {
 public:
  explicit SequenceClassifier(const SequenceClassifierConfig& config, std::uint64_t seed = 0);

  const SequenceClassifierConfig& config() const { return config_; }
  const Encoder& encoder() const { return encoder_; }
  const nn::Pooling& pooling() const { return pooling_; }

  /// For each question the logits [batch, classes_i], of the compute dtype.
  std::vector<Tensor> logits(const EncoderInput& input, const nn::Run& run = {}) const;
  /// The same from features [batch, length, dim] of the encoder.
  std::vector<Tensor> logits_of(const Tensor& features, const Tensor& lengths, const nn::Run& run = {}) const;

  /// The sum over the questions of the mean cross entropy over the rows whose target is not -1. targets: for
  /// each question, i32 or i64 [batch].
  Tensor loss(const EncoderInput& input, const std::vector<Tensor>& targets, const nn::Run& run = {},
              double label_smoothing = 0) const;

 private:
  SequenceClassifierConfig config_;
  Encoder encoder_;
  nn::Pooling pooling_;
  std::unique_ptr<nn::SequenceHeads> heads_;
};

}  // namespace attend::model
