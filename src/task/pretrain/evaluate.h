#pragma once

#include <cstdint>

#include "attend/data/masked_language_model.h"
#include "attend/model/masked_language_model.h"
#include "attend/nn/run.h"
#include "attend/task/pretrained_encoder.h"

namespace attend::task {

data::MaskOptions mask_options(const PretrainOptions& options);

/// A text for evaluation, in batches of a few thousand tokens.
data::ConsecutiveMaskedRows masked_rows(const data::TokenView& tokens, const data::Tokenizer& tokenizer,
                                        const PretrainOptions& options, std::int64_t context,
                                        std::uint64_t seed);

/// Throws Error when no token in any batch is to be told.
void require_targets(const data::ConsecutiveMaskedRows& rows);

/// Over at most `most` batches, taken evenly, or all (0). Off the tape, without dropout. The loss is 0
/// when no token in them is to be told.
MaskedEvaluation evaluation_of(const model::MaskedLanguageModel& model,
                               const data::ConsecutiveMaskedRows& rows, DType compute, std::int64_t most = 0);

}  // namespace attend::task
