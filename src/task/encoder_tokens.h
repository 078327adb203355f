#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "attend/base/random.h"
#include "attend/data/sequences.h"
#include "attend/data/tokenizer.h"

/// Tokens as models of the encoder read them: those of a tokenizer, and data::SpecialTokens behind them.
namespace attend::task {

/// The tokenizer in a model folder. Throws Error unless it fits a model with this vocabulary.
std::unique_ptr<data::Tokenizer> load_encoder_tokenizer(const std::filesystem::path& folder,
                                                        std::int64_t vocabulary);

/// Hides each token with this probability, never the first of a row, which is the start mark. What is hidden
/// of the padding has no influence.
void hide_tokens(data::PaddedBatch& batch, double probability, RandomStream stream, std::int32_t mask);

}  // namespace attend::task
