#include "attend/model/masked_language_model.h"

#include "attend/op/embedding.h"
#include "attend/op/shape.h"

namespace attend::model {

namespace {

// The encoder draws its weights from the seed itself, so the head needs another.
constexpr std::uint64_t kHeadSeed = 0x6d61736b68656164ull;

}  // namespace

MaskedLanguageModel::MaskedLanguageModel(const EncoderConfig& config, std::uint64_t seed)
    : encoder_(config, seed) {
  Generator random(seed ^ kHeadSeed);
  head_ = std::make_unique<nn::MaskedTokenHead>(
      config.dim, config.norm, nn::NormOptions{.epsilon = config.norm_epsilon, .bias = config.bias},
      nn::HeadOptions{.initialisation_std = config.initialisation_std}, random);
  add_child("encoder", encoder_);
  add_child("head", *head_);
}

Tensor MaskedLanguageModel::loss(const EncoderInput& input, const Tensor& targets, const nn::Run& run) const {
  return head_->loss(encoder_.features(input, run), targets, encoder_.token_embeddings());
}

Tensor MaskedLanguageModel::logits(const EncoderInput& input, const Tensor& places,
                                   const nn::Run& run) const {
  const Tensor features = encoder_.features(input, run);
  const Tensor rows = op::reshape(features, {features.dim(0) * features.dim(1), features.dim(2)});
  return head_->logits(op::embedding(rows, places), encoder_.token_embeddings());
}

}  // namespace attend::model
