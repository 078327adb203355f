#pragma once

#include <memory>
#include <vector>

#include "attend/model/encoder.h"
#include "attend/nn/bag_of_words.h"
#include "attend/nn/pooling.h"
#include "attend/nn/prediction_heads.h"

namespace attend::model {

struct SequenceClassifierConfig {
  EncoderConfig encoder;
  nn::PoolingKind pooling = nn::PoolingKind::mean;
  std::vector<std::int64_t> classes = {2};  ///< of each question that is asked about a sequence
  /// Tokens below this number are also read as a bag of words (nn::BagOfWords); 0: they are not.
  std::int64_t bag_of_words = 0;

  bool operator==(const SequenceClassifierConfig&) const = default;
};

struct SequenceLossOptions {
  double label_smoothing = 0;
  /// i32 or i64 [batch, length]: what the bag of words reads, where some tokens are hidden from the encoder;
  /// undefined: the same tokens.
  Tensor words = {};
};

/// Answers one or several questions about a sequence: an encoder, one vector for the whole of it, and a
/// linear layer for each question. With a bag of words the logits are the mean of both readers', so that
/// probabilities are the geometric mean of theirs; each learns by its own cross entropy, the mean of which is
/// never below that of the answer. One reader alone would leave little for the other to learn (as in Cheng et
/// al., "Wide & Deep Learning for Recommender Systems", 2016, where they share a loss).
///
/// Parameters: "encoder.", "pooling.", "heads.I.", "bags.I." and those of the parts.
class SequenceClassifier : public nn::Module {
 public:
  explicit SequenceClassifier(const SequenceClassifierConfig& config, std::uint64_t seed = 0);

  const SequenceClassifierConfig& config() const { return config_; }
  const Encoder& encoder() const { return encoder_; }
  const nn::Pooling& pooling() const { return pooling_; }

  /// The bag of words of a question; null without.
  const nn::BagOfWords* bag(std::size_t question) const;

  /// For each question the logits [batch, classes_i], of the compute dtype.
  std::vector<Tensor> logits(const EncoderInput& input, const nn::Run& run = {}) const;
  /// Those of the encoder alone, from its features [batch, length, dim].
  std::vector<Tensor> logits_of(const Tensor& features, const Tensor& lengths, const nn::Run& run = {}) const;

  /// The sum over the questions of the mean cross entropy over the rows whose target is not -1; with a bag of
  /// words, the mean of both readers'. targets: for each question, i32 or i64 [batch].
  Tensor loss(const EncoderInput& input, const std::vector<Tensor>& targets, const nn::Run& run = {},
              const SequenceLossOptions& options = {}) const;

 private:
  SequenceClassifierConfig config_;
  Encoder encoder_;
  nn::Pooling pooling_;
  std::unique_ptr<nn::SequenceHeads> heads_;
  std::vector<std::unique_ptr<nn::BagOfWords>> bags_;  // of the questions; none without
};

}  // namespace attend::model
