#include "attend/model/sentence_encoder.h"

#include <cmath>

#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/norm.h"

namespace attend::model {

namespace {

// Keeps a vector of zeros finite; far below any length that a norm leaves.
constexpr double kEpsilon = 1e-12;

}  // namespace

SentenceEncoder::SentenceEncoder(const SentenceEncoderConfig& config, std::uint64_t seed)
    : config_(config), encoder_(config.encoder, seed), pooling_(config.pooling, config.encoder.dim) {
  add_child("encoder", encoder_);
  add_child("pooling", pooling_);
}

Tensor SentenceEncoder::embeddings_of(const Tensor& features, const Tensor& lengths) const {
  const Tensor pooled = pooling_.forward(features, lengths);
  const Tensor wide = op::cast(pooled, pooled.dtype() == DType::f64 ? DType::f64 : DType::f32);
  // x / sqrt(mean x^2) has the length sqrt(dim).
  return op::scale(op::rms_norm(wide, {}, kEpsilon), 1 / std::sqrt(static_cast<double>(config_.encoder.dim)));
}

Tensor SentenceEncoder::embeddings(const EncoderInput& input, const nn::Run& run) const {
  return embeddings_of(encoder_.features(input, run), input.lengths);
}

}  // namespace attend::model
