#include "task/encoder_tokens.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "task/model_folder.h"

namespace attend::task {

std::unique_ptr<data::Tokenizer> load_encoder_tokenizer(const std::filesystem::path& folder,
                                                        std::int64_t vocabulary) {
  auto tokenizer = data::load_tokenizer(folder);
  const std::int64_t found = tokenizer->size() + data::SpecialTokens::kCount;
  if (found != vocabulary)
    throw Error(fmt::format("{}: the tokenizer has {} tokens, {} with the special ones, the model in {} {}",
                            folder.string(), tokenizer->size(), found, kConfigFile, vocabulary));
  return tokenizer;
}

void hide_tokens(data::PaddedBatch& batch, double probability, RandomStream stream, std::int32_t mask) {
  if (probability == 0) return;
  const auto length = static_cast<std::size_t>(batch.length);
  for (std::size_t i = 0; i < batch.tokens.size(); ++i)
    if (i % length != 0 && stream.words(i)[0] * 0x1p-32 < probability) batch.tokens[i] = mask;
}

}  // namespace attend::task
