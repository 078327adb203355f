#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "attend/data/parallel.h"
#include "attend/data/token_count_batches.h"
#include "attend/data/tokenizer.h"
#include "attend/task/text_to_text.h"
#include "task/pair_tokens.h"

namespace attend::task {

/// The tokenizers of both sides, and the token that begins and ends a sequence: the first id that no
/// tokenizer gives.
class PairTokenizers {
 public:
  PairTokenizers(std::shared_ptr<const data::Tokenizer> source, std::shared_ptr<const data::Tokenizer> target)
      : source_(std::move(source)), target_(std::move(target)) {}

  /// Learns them from samples of both sides.
  static PairTokenizers train(const data::TokenizerOptions& options, bool shared, std::string_view sources,
                              std::string_view targets);
  static PairTokenizers load(const std::filesystem::path& folder, bool shared);
  void save(const std::filesystem::path& folder) const;

  const data::Tokenizer& source() const { return *source_; }
  const data::Tokenizer& target() const { return *target_; }
  std::int32_t source_end() const { return static_cast<std::int32_t>(source_->size()); }
  std::int32_t target_end() const { return static_cast<std::int32_t>(target_->size()); }

  /// The ids of a text and the end.
  std::vector<std::int32_t> encode_source(std::string_view text) const;
  std::vector<std::int32_t> encode_target(std::string_view text) const;

 private:
  std::shared_ptr<const data::Tokenizer> source_, target_;  // the same object when shared
};

/// Pairs filled up to the longest of each side; row-major.
struct PairBatch {
  std::int64_t rows = 0, source_length = 0, target_length = 0;
  std::vector<std::int32_t> source, source_lengths;
  /// What the decoder reads, the end and then the target; and what it is to write, the target and then the
  /// end. Padding is -1 in `targets`.
  std::vector<std::int32_t> inputs, targets;
  std::int64_t tokens = 0;  ///< of the targets
};

/// Each row with its end.
PairBatch pair_batch(const std::vector<std::vector<std::int32_t>>& sources,
                     const std::vector<std::vector<std::int32_t>>& targets, const PairTokenizers& tokenizers);

/// Pairs made ready to learn from.
class TrainingPairs {
 public:
  /// Reads the pairs of a job and learns tokenizers from them, or takes those in the folder when `begun` (the
  /// training that is resumed) is given; the pairs must then be those that it began with. With no files
  /// named, the tokens kept in the folder are used.
  TrainingPairs(const TextToTextJob& job, const TextToTextConfig* begun);

  /// Writes tokenizers and tokens into the model folder, and makes batches possible.
  void save(const std::filesystem::path& folder);

  const PairTokenizers& tokenizers() const { return *tokenizers_; }
  const PairFacts& facts() const { return pairs_.facts(); }
  /// Target tokens of a batch on average.
  std::int64_t tokens_per_batch() const;

  /// Both after save().
  PairBatch batch(std::int64_t index);
  std::int64_t validation_batches() const { return validation_->batches(); }
  PairBatch validation_batch(std::int64_t index) const;
  /// The ids of both sides of held-out pair `index`, in the order of the files, ends included.
  std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>> validation_pair(std::int64_t index) const;

 private:
  PairTokens::Encoded encoded(const data::TextPair& pair) const;
  PairBatch batch_of(const std::vector<std::int64_t>& records) const;
  void make_batches(std::int64_t tokens, std::uint64_t seed);

  std::int64_t context_, batch_;
  std::uint64_t seed_;
  PairTokens pairs_;
  std::optional<PairTokenizers> tokenizers_;
  std::optional<data::TokenCountBatches> train_, validation_;
};

}  // namespace attend::task
