#include "attend/model/sequence_classifier.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cross_entropy.h"

namespace attend::model {

namespace {

// The encoder draws its weights from the seed itself, so the heads need another.
constexpr std::uint64_t kHeadSeed = 0x6865616473303031ull;

}  // namespace

SequenceClassifier::SequenceClassifier(const SequenceClassifierConfig& config, std::uint64_t seed)
    : config_(config), encoder_(config.encoder, seed), pooling_(config.pooling, config.encoder.dim) {
  Generator random(seed ^ kHeadSeed);
  heads_ = std::make_unique<nn::SequenceHeads>(
      config.encoder.dim, config.classes,
      nn::HeadOptions{.dropout = config.encoder.dropout,
                      .initialisation_std = config.encoder.initialisation_std},
      random);
  add_child("encoder", encoder_);
  add_child("pooling", pooling_);
  add_child("heads", *heads_);
}

std::vector<Tensor> SequenceClassifier::logits_of(const Tensor& features, const Tensor& lengths,
                                                  const nn::Run& run) const {
  return heads_->forward(pooling_.forward(features, lengths), run);
}

std::vector<Tensor> SequenceClassifier::logits(const EncoderInput& input, const nn::Run& run) const {
  return logits_of(encoder_.features(input, run), input.lengths, run);
}

Tensor SequenceClassifier::loss(const EncoderInput& input, const std::vector<Tensor>& targets,
                                const nn::Run& run, double label_smoothing) const {
  if (targets.size() != config_.classes.size())
    throw Error(fmt::format("targets for {} questions given to a model of {}", targets.size(),
                            config_.classes.size()));
  const std::vector<Tensor> scores = logits(input, run);
  Tensor sum;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const Tensor loss =
        op::cross_entropy(scores[i], targets[i], {.label_smoothing = label_smoothing, .ignore_index = -1});
    sum = sum.defined() ? op::add(sum, loss) : loss;
  }
  return sum;
}

}  // namespace attend::model
