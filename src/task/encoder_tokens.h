#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "attend/base/random.h"
#include "attend/data/sequences.h"
#include "attend/data/tokenizer.h"
#include "attend/model/encoder.h"

/// Tokens as models of the encoder read them: those of a tokenizer, and data::SpecialTokens behind them.
namespace attend::task {

/// The tokenizer in a model folder. Throws Error unless it fits a model with this vocabulary.
std::unique_ptr<data::Tokenizer> load_encoder_tokenizer(const std::filesystem::path& folder,
                                                        std::int64_t vocabulary);

/// Hides each token with this probability, never the first of a row, which is the start mark. What is hidden
/// of the padding has no influence.
void hide_tokens(data::PaddedBatch& batch, double probability, RandomStream stream, std::int32_t mask);

/// A text as an encoder reads it: the start mark, then its tokens, `context` in all at most.
struct ReadText {
  std::vector<std::int32_t> ids;
  bool cut = false;  ///< the text has more tokens
};
ReadText read_text(const data::Tokenizer& tokenizer, std::string_view text, std::int64_t context);

model::EncoderInput input_of(const data::PaddedBatch& batch);

/// Calls use(rows, input) for batches of texts of similar length, from the shortest to the longest.
void for_each_batch(
    const data::TokenSequences& texts,
    const std::function<void(std::span<const std::int64_t> rows, const model::EncoderInput& input)>& use);

}  // namespace attend::task
