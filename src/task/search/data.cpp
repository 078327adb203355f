#include "task/search/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

#include "attend/base/error.h"
#include "task/encoder_tokens.h"
#include "task/model_folder.h"

namespace attend::task {

namespace fs = std::filesystem;

std::vector<std::size_t> groups_of(const data::TokenSequences& rows) {
  std::map<std::vector<std::int32_t>, std::size_t> seen;
  std::vector<std::size_t> groups;
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const std::span<const std::int32_t> ids = rows[i];
    groups.push_back(
        seen.try_emplace(std::vector<std::int32_t>(ids.begin(), ids.end()), seen.size()).first->second);
  }
  return groups;
}

namespace {

// Batches are drawn from streams of a seed of their own.
constexpr std::uint64_t kBatchSeed = 0x6261746368736561ull;

const PairFacts* facts_of(const SearchJob& job, const SearchConfig* begun) {
  if (begun == nullptr) return nullptr;
  if (!begun->data)
    throw Error(fmt::format("{}: has no \"data\" to resume with", (job.out / kConfigFile).string()));
  return &*begun->data;
}

Tensor equal_rows(const data::TokenSequences& sources, const data::TokenSequences& targets) {
  const std::vector<std::size_t> source = groups_of(sources), target = groups_of(targets);
  const std::size_t rows = source.size();
  Tensor equal;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < rows; ++j) {
      if (i == j || (source[i] != source[j] && target[i] != target[j])) continue;
      const auto size = static_cast<std::int64_t>(rows);
      if (!equal.defined()) equal = Tensor::zeros({size, size}, DType::boolean);
      equal.data<bool>()[i * rows + j] = true;
    }
  }
  return equal;
}

data::PaddedBatch all_rows(const data::TokenSequences& sequences, std::int32_t padding) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(sequences.size()));
  std::iota(rows.begin(), rows.end(), 0);
  return data::padded_batch(sequences, rows, padding);
}

}  // namespace

ContrastiveBatch contrastive_batch(const data::TokenSequences& sources, const data::TokenSequences& targets,
                                   std::int32_t padding) {
  return {.sources = all_rows(sources, padding),
          .targets = all_rows(targets, padding),
          .ignored = equal_rows(sources, targets)};
}

SearchPairs::SearchPairs(const SearchJob& job, const SearchConfig* begun,
                         std::unique_ptr<data::Tokenizer> given)
    : context_(job.options.model.context),
      batch_(job.options.batch),
      seed_(job.options.seed ^ kBatchSeed),
      pairs_(job.data, job.valid, job.out, facts_of(job, begun)),
      tokenizer_(std::move(given)) {
  if (begun != nullptr)
    tokenizer_ = data::load_tokenizer(job.out);
  else if (tokenizer_ == nullptr)
    tokenizer_ =
        data::train_tokenizer(job.options.tokenizer, pairs_.source_sample() + pairs_.target_sample());
}

PairTokens::Encoded SearchPairs::encoded(const data::TextPair& pair) const {
  ReadText source = read_text(*tokenizer_, pair.source, context_),
           target = read_text(*tokenizer_, pair.target, context_);
  return {
      .source = std::move(source.ids), .target = std::move(target.ids), .too_long = source.cut || target.cut};
}

void SearchPairs::save(const fs::path& folder) {
  tokenizer_->save(folder);
  pairs_.save([this](const data::TextPair& pair) { return encoded(pair); },
              tokenizer_->size() + data::SpecialTokens::kCount);
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < facts().pairs; ++i)
    lengths.push_back(pairs_.length(i, 0) + pairs_.length(i, 1));
  batches_.emplace(std::move(lengths), data::LengthBatchOptions{.batch = batch_}, seed_);
}

std::int64_t SearchPairs::tokens_per_batch() const {
  const std::int64_t all = facts().pairs + facts().validation_pairs;
  return (facts().source_tokens + facts().target_tokens) / all * facts().pairs / batches_->per_epoch();
}

ContrastiveBatch SearchPairs::batch_of(const std::vector<std::int64_t>& pairs) const {
  data::TokenSequences sources, targets;
  for (const std::int64_t pair : pairs) {
    sources.add(pairs_.ids(pair, 0));
    targets.add(pairs_.ids(pair, 1));
  }
  return contrastive_batch(sources, targets, data::SpecialTokens(tokenizer_->size()).padding);
}

ContrastiveBatch SearchPairs::batch(std::int64_t index) {
  const std::span<const std::int64_t> rows = batches_->batch(index);
  return batch_of({rows.begin(), rows.end()});
}

std::int64_t SearchPairs::validation_batches() const {
  return (facts().validation_pairs + batch_ - 1) / batch_;
}

ContrastiveBatch SearchPairs::validation_batch(std::int64_t index) const {
  const std::int64_t begin = index * batch_, count = std::min(batch_, facts().validation_pairs - begin);
  std::vector<std::int64_t> pairs(static_cast<std::size_t>(count));
  std::iota(pairs.begin(), pairs.end(), facts().pairs + begin);
  return batch_of(pairs);
}

data::TokenSequences SearchPairs::validation_side(std::int64_t side, std::int64_t most) const {
  data::TokenSequences sequences;
  for (std::int64_t i = 0; i < std::min(most, facts().validation_pairs); ++i)
    sequences.add(pairs_.ids(facts().pairs + i, side));
  return sequences;
}

}  // namespace attend::task
