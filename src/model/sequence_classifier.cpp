#include "attend/model/sequence_classifier.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
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
  if (config.bag_of_words == 0) return;
  for (std::size_t i = 0; i < config.classes.size(); ++i) {
    bags_.push_back(std::make_unique<nn::BagOfWords>(config.bag_of_words, config.classes[i]));
    add_child(fmt::format("bags.{}", i), *bags_.back());
  }
}

const nn::BagOfWords* SequenceClassifier::bag(std::size_t question) const {
  return bags_.empty() ? nullptr : bags_.at(question).get();
}

std::vector<Tensor> SequenceClassifier::logits_of(const Tensor& features, const Tensor& lengths,
                                                  const nn::Run& run) const {
  return heads_->forward(pooling_.forward(features, lengths), run);
}

std::vector<Tensor> SequenceClassifier::logits(const EncoderInput& input, const nn::Run& run) const {
  std::vector<Tensor> scores = logits_of(encoder_.features(input, run), input.lengths, run);
  for (std::size_t i = 0; i < bags_.size(); ++i) {
    const Tensor words = op::cast(bags_[i]->forward(input.tokens, input.lengths), scores[i].dtype());
    scores[i] = op::scale(op::add(scores[i], words), 0.5);
  }
  return scores;
}

Tensor SequenceClassifier::loss(const EncoderInput& input, const std::vector<Tensor>& targets,
                                const nn::Run& run, const SequenceLossOptions& options) const {
  if (targets.size() != config_.classes.size())
    throw Error(fmt::format("targets for {} questions given to a model of {}", targets.size(),
                            config_.classes.size()));
  const auto cross_entropy = [&](const Tensor& scores, std::size_t question) {
    return op::cross_entropy(scores, targets[question],
                             {.label_smoothing = options.label_smoothing, .ignore_index = -1});
  };
  const std::vector<Tensor> scores = logits_of(encoder_.features(input, run), input.lengths, run);
  const Tensor& words = options.words.defined() ? options.words : input.tokens;
  Tensor sum;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    Tensor loss = cross_entropy(scores[i], i);
    if (!bags_.empty())
      loss = op::scale(op::add(loss, cross_entropy(bags_[i]->forward(words, input.lengths), i)), 0.5);
    sum = sum.defined() ? op::add(sum, loss) : loss;
  }
  return sum;
}

}  // namespace attend::model
