#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "attend/data/sequences.h"
#include "attend/data/tokenizer.h"
#include "attend/task/search.h"
#include "attend/tensor/tensor.h"
#include "task/pair_tokens.h"

namespace attend::task {

/// A number for each row, the same for equal ones.
std::vector<std::size_t> groups_of(const data::TokenSequences& rows);

/// Pairs whose texts belong together row by row.
struct ContrastiveBatch {
  data::PaddedBatch sources, targets;
  /// bool [rows, rows]: other rows with an equal source or target, which are no negatives; undefined when
  /// there are none.
  Tensor ignored;
};

ContrastiveBatch contrastive_batch(const data::TokenSequences& sources, const data::TokenSequences& targets,
                                   std::int32_t padding);

/// Pairs made ready to learn from.
class SearchPairs {
 public:
  /// As TrainingPairs of text_to_text; texts beyond the context are cut. A `given` tokenizer is taken instead
  /// of one that is learnt.
  SearchPairs(const SearchJob& job, const SearchConfig* begun,
              std::unique_ptr<data::Tokenizer> given = nullptr);

  /// Writes tokenizer and tokens into the model folder, and makes batches possible.
  void save(const std::filesystem::path& folder);

  const data::Tokenizer& tokenizer() const { return *tokenizer_; }
  const PairFacts& facts() const { return pairs_.facts(); }
  /// Tokens of both sides of a batch on average.
  std::int64_t tokens_per_batch() const;

  /// All after save(). Batch `index` of the training; to be called by one thread.
  ContrastiveBatch batch(std::int64_t index);
  /// The held-out pairs in their order, as many to a batch.
  std::int64_t validation_batches() const;
  ContrastiveBatch validation_batch(std::int64_t index) const;
  /// One side (0: source, 1: target) of the first held-out pairs, at most `most`.
  data::TokenSequences validation_side(std::int64_t side, std::int64_t most) const;

 private:
  PairTokens::Encoded encoded(const data::TextPair& pair) const;
  ContrastiveBatch batch_of(const std::vector<std::int64_t>& pairs) const;

  std::int64_t context_, batch_;
  std::uint64_t seed_;
  PairTokens pairs_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  std::optional<data::LengthBatches> batches_;
};

}  // namespace attend::task
