#pragma once

#include "attend/data/token_file.h"
#include "attend/model/gpt.h"
#include "attend/nn/run.h"

namespace attend::task {

/// The mean cross entropy of every token but the first, in nats, over consecutive windows of the context,
/// added up in f64. Off the tape, without dropout.
double mean_loss(const model::Gpt& gpt, const data::TokenView& tokens, const nn::Run& run);

}  // namespace attend::task
