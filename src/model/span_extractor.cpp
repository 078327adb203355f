#include "attend/model/span_extractor.h"

#include "attend/op/arithmetic.h"
#include "attend/op/cross_entropy.h"

namespace attend::model {

namespace {

// The encoder draws its weights from the seed itself, so the head needs another.
constexpr std::uint64_t kHeadSeed = 0x7370616e68656164ull;

}  // namespace

SpanExtractor::SpanExtractor(const EncoderConfig& config, std::uint64_t seed) : encoder_(config, seed) {
  Generator random(seed ^ kHeadSeed);
  head_ = std::make_unique<nn::SpanHead>(
      config.dim, nn::HeadOptions{.dropout = config.dropout, .initialisation_std = config.initialisation_std},
      random);
  add_child("encoder", encoder_);
  add_child("head", *head_);
}

nn::SpanHead::Logits SpanExtractor::logits_of(const Tensor& features, const Tensor& lengths,
                                              const nn::Run& run) const {
  return head_->forward(features, lengths, run);
}

nn::SpanHead::Logits SpanExtractor::logits(const EncoderInput& input, const nn::Run& run) const {
  return logits_of(encoder_.features(input, run), input.lengths, run);
}

Tensor SpanExtractor::loss(const EncoderInput& input, const Tensor& starts, const Tensor& ends,
                           const nn::Run& run) const {
  const nn::SpanHead::Logits scores = logits(input, run);
  return op::scale(op::add(op::cross_entropy(scores.start, starts), op::cross_entropy(scores.end, ends)),
                   0.5);
}

}  // namespace attend::model
