#pragma once

#include "attend/data/token_file.h"
#include "attend/data/tokenizer.h"
#include "attend/model/gpt.h"
#include "attend/nn/run.h"
#include "attend/task/language_model.h"

namespace attend::task {

/// The mean cross entropy of every token but the first, in nats, over consecutive windows of the context,
/// added up in f64. Off the tape, without dropout.
double mean_loss(const model::Gpt& gpt, const data::TokenView& tokens, const nn::Run& run);

/// All figures that follow from the mean loss over `tokens`.
Evaluation evaluation_of(double loss, const data::TokenView& tokens, const data::Tokenizer& tokenizer);

}  // namespace attend::task
