#include "task/text_to_text/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attend/base/error.h"
#include "attend/data/text_sample.h"
#include "attend/data/token_file.h"
#include "io/printable.h"
#include "task/model_folder.h"
#include "task/text_to_text/pairs.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPairsFile = "training/pairs.bin";
constexpr std::int64_t kMostHeldOut = 2000;
// Batches are drawn from streams of a seed of their own.
constexpr std::uint64_t kBatchSeed = 0x6261746368657331ull;

std::uint64_t checksum_of(const data::TextPair& pair, std::uint64_t before) {
  return data::checksum(
      "\n", data::checksum(pair.target, data::checksum("\t", data::checksum(pair.source, before))));
}

std::vector<std::string> names_of(const PairFiles& files) {
  std::vector<std::string> names;
  for (const fs::path& path : files.paths) names.push_back(path.string());
  return names;
}

PairFiles files_named(const std::vector<std::string>& names, const PairFiles& how) {
  PairFiles files = how;
  files.paths.assign(names.begin(), names.end());
  return files;
}

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

TrainingPairs::TrainingPairs(const TextToTextJob& job, const TextToTextConfig* begun)
    : data_(job.data),
      valid_(job.valid),
      out_(job.out),
      kept_(job.out / kPairsFile),
      context_(job.options.model.context),
      batch_(job.options.batch),
      seed_(job.options.seed ^ kBatchSeed) {
  if (begun != nullptr) {
    if (!begun->data)
      throw Error(fmt::format("{}: has no \"data\" to resume with", (job.out / kConfigFile).string()));
    facts_ = *begun->data;
    tokenizers_ = PairTokenizers::load(job.out, begun->model.shared_vocabulary);
    if (data_.empty() && keeps_tokens()) return;
    if (data_.empty()) data_ = files_named(facts_.paths, job.data);
    if (valid_.empty()) valid_ = files_named(facts_.validation_paths, job.valid);
  }
  if (data_.empty())
    throw Error("--data FILE [FILE] is needed: a table of pairs, or a file of sources and one of targets");
  scan(begun, job.options);
}

/// The first time through all pairs: finds out that they are good, and what tokenizers learn from.
void TrainingPairs::scan(const TextToTextConfig* begun, const TextToTextOptions& options) {
  data::TextSample sources, targets;
  PairFacts found;
  found.paths = names_of(data_);
  found.validation_paths = names_of(valid_);
  std::uint64_t checksum = data::checksum("");
  const auto pairs = open_pairs(data_, "--data");
  while (const auto pair = pairs->next()) {
    sources.add(pair->source);
    targets.add(pair->target);
    checksum = checksum_of(*pair, checksum);
    ++scanned_;
  }
  found.skipped = pairs->skipped().count;
  if (valid_.empty()) {
    held_out_ = std::min(scanned_ / 10, kMostHeldOut);
  } else {
    const auto validation = open_pairs(valid_, "--valid");
    while (const auto pair = validation->next()) checksum = checksum_of(*pair, checksum);
    found.skipped += validation->skipped().count;
  }
  found.checksum = checksum;
  if (scanned_ == 0)
    throw Error(fmt::format("--data {}: no pairs in it", io::printable(found.paths.front())));
  if (valid_.empty() && held_out_ == 0)
    throw Error(
        fmt::format("--data {}: {} pairs are too few to hold a tenth of them out; more pairs or --valid "
                    "FILE are needed",
                    io::printable(found.paths.front()), scanned_));
  if (begun != nullptr && checksum != facts_.checksum)
    throw Error(fmt::format("--data {}: other pairs than those that the training in {} began with",
                            io::printable(found.paths.front()), out_.string()));
  facts_ = found;
  if (begun == nullptr)
    tokenizers_ = PairTokenizers::train(options.tokenizer, options.model.shared_vocabulary, sources.text(),
                                        targets.text());
  check_fits();
}

bool TrainingPairs::fits(const data::TextPair& pair) const {
  return static_cast<std::int64_t>(std::max(tokenizers_->encode_source(pair.source).size(),
                                            tokenizers_->encode_target(pair.target).size())) <= context_;
}

/// There must be a pair to learn from and one to hold out; mostly the first of each is one.
void TrainingPairs::check_fits() const {
  bool learns = false, holds_out = false;
  const auto pairs = open_pairs(data_, "--data");
  for (std::int64_t i = 0; !(learns && (holds_out || held_out_ == 0)); ++i) {
    const auto pair = pairs->next();
    if (!pair) break;
    bool& found = i < scanned_ - held_out_ ? learns : holds_out;
    found = found || fits(*pair);
  }
  if (!valid_.empty()) {
    const auto validation = open_pairs(valid_, "--valid");
    while (!holds_out) {
      const auto pair = validation->next();
      if (!pair) break;
      holds_out = fits(*pair);
    }
  }
  if (!learns || !holds_out)
    throw Error(fmt::format("--context {}: no pair {} is that short; a larger one is needed", context_,
                            learns ? "to hold out" : "to learn from"));
}

bool TrainingPairs::keeps_tokens() const {
  try {
    const data::SequenceFile file(kept_);
    return file.format().source == facts_.checksum &&
           file.records() == facts_.pairs + facts_.validation_pairs;
  } catch (const Error&) {
    return false;
  }
}

/// The second time through all pairs.
void TrainingPairs::write_tokens() {
  facts_.pairs = facts_.validation_pairs = facts_.source_tokens = facts_.target_tokens = facts_.too_long = 0;
  const auto vocabulary = std::max<std::int64_t>(tokenizers_->source_end(), tokenizers_->target_end()) + 1;
  const data::SequenceFile::Format format = {
      .vocabulary = vocabulary, .fields = 2, .source = facts_.checksum};
  data::SequenceFile::write(kept_, format, [&](const data::SequenceFile::Sink& add) {
    const auto put = [&](const data::TextPair& pair, std::int64_t& count) {
      const auto source = tokenizers_->encode_source(pair.source),
                 target = tokenizers_->encode_target(pair.target);
      if (static_cast<std::int64_t>(std::max(source.size(), target.size())) > context_) {
        ++facts_.too_long;
        return;
      }
      add(source);
      add(target);
      facts_.source_tokens += static_cast<std::int64_t>(source.size());
      facts_.target_tokens += static_cast<std::int64_t>(target.size());
      ++count;
    };
    const auto pairs = open_pairs(data_, "--data");
    for (std::int64_t i = 0; const auto pair = pairs->next(); ++i)
      put(*pair, i < scanned_ - held_out_ ? facts_.pairs : facts_.validation_pairs);
    if (valid_.empty()) return;
    const auto validation = open_pairs(valid_, "--valid");
    while (const auto pair = validation->next()) put(*pair, facts_.validation_pairs);
  });
}

void TrainingPairs::save(const fs::path& folder) {
  tokenizers_->save(folder);
  if (!keeps_tokens()) {
    NewFolders folders;
    folders.make(kept_.parent_path());
    write_tokens();
  }
  pairs_.emplace(kept_);
  make_batches(batch_, seed_);
}

void TrainingPairs::make_batches(std::int64_t tokens, std::uint64_t seed) {
  std::vector<std::int32_t> lengths(static_cast<std::size_t>(pairs_->records()));
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const auto record = static_cast<std::int64_t>(i);
    lengths[i] = static_cast<std::int32_t>(std::max(pairs_->length(record, 0), pairs_->length(record, 1)));
  }
  const auto middle = lengths.begin() + facts_.pairs;
  validation_.emplace(std::vector<std::int32_t>(middle, lengths.end()), tokens, seed);
  lengths.resize(static_cast<std::size_t>(facts_.pairs));
  train_.emplace(std::move(lengths), tokens, seed);
}

std::int64_t TrainingPairs::tokens_per_batch() const {
  const std::int64_t pairs = facts_.pairs + facts_.validation_pairs;
  return facts_.target_tokens * facts_.pairs / pairs / train_->batches();
}

PairBatch TrainingPairs::batch_of(const std::vector<std::int64_t>& records) const {
  std::vector<std::vector<std::int32_t>> sources, targets;
  for (const std::int64_t record : records) {
    sources.push_back(pairs_->ids(record, 0));
    targets.push_back(pairs_->ids(record, 1));
  }
  return pair_batch(sources, targets, *tokenizers_);
}

PairBatch TrainingPairs::batch(std::int64_t index) {
  return batch_of(train_->batch(index));
}

PairBatch TrainingPairs::validation_batch(std::int64_t index) const {
  std::vector<std::int64_t> records = validation_->in_order(index);
  for (std::int64_t& record : records) record += facts_.pairs;
  return batch_of(records);
}

std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>> TrainingPairs::validation_pair(
    std::int64_t index) const {
  return {pairs_->ids(facts_.pairs + index, 0), pairs_->ids(facts_.pairs + index, 1)};
}

}  // namespace attend::task
