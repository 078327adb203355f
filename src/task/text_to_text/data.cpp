#include "task/text_to_text/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attend/base/error.h"
#include "task/model_folder.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

// Batches are drawn from streams of a seed of their own.
constexpr std::uint64_t kBatchSeed = 0x6261746368657331ull;

/// The rows `records` of one side, filled up with `filler` to the longest.
std::vector<std::int32_t> filled(const std::vector<std::vector<std::int32_t>>& rows, std::int64_t length,
                                 std::int32_t filler) {
  std::vector<std::int32_t> ids(rows.size() * static_cast<std::size_t>(length), filler);
  for (std::size_t row = 0; row < rows.size(); ++row)
    std::ranges::copy(rows[row], ids.begin() + static_cast<std::ptrdiff_t>(row) * length);
  return ids;
}

std::int64_t longest(const std::vector<std::vector<std::int32_t>>& rows) {
  std::size_t most = 0;
  for (const auto& row : rows) most = std::max(most, row.size());
  return static_cast<std::int64_t>(most);
}

}  // namespace

PairBatch pair_batch(const std::vector<std::vector<std::int32_t>>& sources,
                     const std::vector<std::vector<std::int32_t>>& targets,
                     const PairTokenizers& tokenizers) {
  PairBatch batch;
  std::vector<std::vector<std::int32_t>> inputs;
  for (const auto& source : sources) batch.source_lengths.push_back(static_cast<std::int32_t>(source.size()));
  for (const auto& target : targets) {
    batch.tokens += static_cast<std::int64_t>(target.size());
    inputs.push_back({tokenizers.target_end()});
    inputs.back().insert(inputs.back().end(), target.begin(), target.end() - 1);
  }
  batch.rows = static_cast<std::int64_t>(sources.size());
  batch.source_length = longest(sources);
  batch.target_length = longest(targets);
  batch.source = filled(sources, batch.source_length, tokenizers.source_end());
  batch.inputs = filled(inputs, batch.target_length, tokenizers.target_end());
  batch.targets = filled(targets, batch.target_length, -1);
  return batch;
}

namespace {

const PairFacts* facts_of(const TextToTextJob& job, const TextToTextConfig* begun) {
  if (begun == nullptr) return nullptr;
  if (!begun->data)
    throw Error(fmt::format("{}: has no \"data\" to resume with", (job.out / kConfigFile).string()));
  return &*begun->data;
}

}  // namespace

TrainingPairs::TrainingPairs(const TextToTextJob& job, const TextToTextConfig* begun)
    : context_(job.options.model.context()),
      batch_(job.options.batch),
      seed_(job.options.seed ^ kBatchSeed),
      pairs_(job.data, job.valid, job.out, facts_of(job, begun)) {
  if (begun != nullptr)
    tokenizers_ = PairTokenizers::load(job.out, begun->model.shared_vocabulary());
  else
    tokenizers_ = PairTokenizers::train(job.options.tokenizer, job.options.model.shared_vocabulary(),
                                        pairs_.source_sample(), pairs_.target_sample());
  const auto [learns, holds_out] =
      pairs_.any_kept([this](const data::TextPair& pair) { return !encoded(pair).left_out; });
  if (!learns || !holds_out)
    throw Error(fmt::format("--context {}: no pair {} is that short; a larger one is needed", context_,
                            learns ? "to hold out" : "to learn from"));
}

PairTokens::Encoded TrainingPairs::encoded(const data::TextPair& pair) const {
  PairTokens::Encoded result{.source = tokenizers_->encode_source(pair.source),
                             .target = tokenizers_->encode_target(pair.target)};
  result.left_out = result.too_long =
      static_cast<std::int64_t>(std::max(result.source.size(), result.target.size())) > context_;
  return result;
}

void TrainingPairs::save(const fs::path& folder) {
  tokenizers_->save(folder);
  pairs_.save([this](const data::TextPair& pair) { return encoded(pair); },
              std::max<std::int64_t>(tokenizers_->source_end(), tokenizers_->target_end()) + 1);
  make_batches(batch_, seed_);
}

void TrainingPairs::make_batches(std::int64_t tokens, std::uint64_t seed) {
  std::vector<std::int32_t> lengths(static_cast<std::size_t>(facts().pairs + facts().validation_pairs));
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const auto record = static_cast<std::int64_t>(i);
    lengths[i] = static_cast<std::int32_t>(std::max(pairs_.length(record, 0), pairs_.length(record, 1)));
  }
  const auto middle = lengths.begin() + facts().pairs;
  validation_.emplace(std::vector<std::int32_t>(middle, lengths.end()), tokens, seed);
  lengths.resize(static_cast<std::size_t>(facts().pairs));
  train_.emplace(std::move(lengths), tokens, seed);
}

std::int64_t TrainingPairs::tokens_per_batch() const {
  const std::int64_t pairs = facts().pairs + facts().validation_pairs;
  return facts().target_tokens * facts().pairs / pairs / train_->batches();
}

PairBatch TrainingPairs::batch_of(const std::vector<std::int64_t>& records) const {
  std::vector<std::vector<std::int32_t>> sources, targets;
  for (const std::int64_t record : records) {
    sources.push_back(pairs_.ids(record, 0));
    targets.push_back(pairs_.ids(record, 1));
  }
  return pair_batch(sources, targets, *tokenizers_);
}

PairBatch TrainingPairs::batch(std::int64_t index) {
  return batch_of(train_->batch(index));
}

PairBatch TrainingPairs::validation_batch(std::int64_t index) const {
  std::vector<std::int64_t> records = validation_->in_order(index);
  for (std::int64_t& record : records) record += facts().pairs;
  return batch_of(records);
}

std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>> TrainingPairs::validation_pair(
    std::int64_t index) const {
  return {pairs_.ids(facts().pairs + index, 0), pairs_.ids(facts().pairs + index, 1)};
}

}  // namespace attend::task
