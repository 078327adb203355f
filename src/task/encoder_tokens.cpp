#include "task/encoder_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

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

ReadText read_text(const data::Tokenizer& tokenizer, std::string_view text, std::int64_t context) {
  ReadText result{.ids = tokenizer.encode(text)};
  result.ids.insert(result.ids.begin(), data::SpecialTokens(tokenizer.size()).start);
  result.cut = static_cast<std::int64_t>(result.ids.size()) > context;
  if (result.cut) result.ids.resize(static_cast<std::size_t>(context));
  return result;
}

model::EncoderInput input_of(const data::PaddedBatch& batch) {
  return {.tokens = Tensor::from(batch.tokens, {batch.rows, batch.length}),
          .lengths = Tensor::from(batch.lengths, {batch.rows})};
}

namespace {

constexpr std::int64_t kTokensAtOnce = 8192;

/// Texts from the shortest to the longest.
std::vector<std::int64_t> by_length(const std::vector<std::int64_t>& lengths) {
  std::vector<std::int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
    return lengths[static_cast<std::size_t>(a)] < lengths[static_cast<std::size_t>(b)];
  });
  return order;
}

/// Rows of each batch: as many as kTokensAtOnce allows with the padding.
std::vector<std::span<const std::int64_t>> cut_by_tokens(const std::vector<std::int64_t>& order,
                                                         const std::vector<std::int64_t>& lengths) {
  std::vector<std::span<const std::int64_t>> batches;
  std::size_t begin = 0;
  for (std::size_t end = 1; end <= order.size(); ++end) {
    // The next row would be the longest of the batch.
    const bool full = end == order.size() || static_cast<std::int64_t>(end + 1 - begin) *
                                                     lengths[static_cast<std::size_t>(order[end])] >
                                                 kTokensAtOnce;
    if (!full) continue;
    batches.push_back(std::span<const std::int64_t>(order).subspan(begin, end - begin));
    begin = end;
  }
  return batches;
}

}  // namespace

void for_each_batch(
    const data::TokenSequences& texts,
    const std::function<void(std::span<const std::int64_t> rows, const model::EncoderInput& input)>& use) {
  const std::vector<std::int64_t> lengths = texts.lengths();
  const std::vector<std::int64_t> order = by_length(lengths);
  for (const auto& rows : cut_by_tokens(order, lengths))
    use(rows, input_of(data::padded_batch(texts, rows, 0)));
}

}  // namespace attend::task
