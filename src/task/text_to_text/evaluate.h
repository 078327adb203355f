#pragma once

#include <cstdint>
#include <functional>

#include "attend/model/encoder_decoder.h"
#include "task/text_to_text/data.h"

namespace attend::task {

/// The loss of a batch, a mean over the target tokens.
Tensor pair_loss(const model::EncoderDecoder& model, const PairBatch& batch, const nn::Run& run,
                 double label_smoothing = 0);

/// The mean cross entropy of every target token of so many batches, in nats, added up in f64. Off the tape,
/// without dropout.
double mean_pair_loss(const model::EncoderDecoder& model, std::int64_t batches,
                      const std::function<PairBatch(std::int64_t)>& batch_of, const nn::Run& run);

}  // namespace attend::task
