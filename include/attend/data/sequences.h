#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace attend::data {

/// Sequences of token ids of different lengths, one after the other in memory.
class TokenSequences {
 public:
  std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()); }
  /// Of all sequences together.
  std::int64_t tokens() const { return static_cast<std::int64_t>(ids_.size()); }

  void add(std::span<const std::int32_t> ids);
  /// Sequence i. Throws Error unless 0 <= i < size().
  std::span<const std::int32_t> operator[](std::int64_t i) const;

  std::vector<std::int64_t> lengths() const;

 private:
  std::vector<std::int32_t> ids_;
  std::vector<std::int64_t> ends_;
};

/// Ids behind those of a tokenizer, for a model that reads whole sequences (Devlin et al., "BERT", 2019).
struct SpecialTokens {
  static constexpr std::int64_t kCount = 4;

  /// `vocabulary`: the size of the tokenizer.
  explicit SpecialTokens(std::int64_t vocabulary)
      : start(static_cast<std::int32_t>(vocabulary)),
        separator(start + 1),
        mask(start + 2),
        padding(start + 3) {}

  std::int32_t start;      ///< before every sequence
  std::int32_t separator;  ///< between two texts in one sequence
  std::int32_t mask;       ///< in place of a token that is hidden
  std::int32_t padding;    ///< after the end of a sequence that is shorter than others
};

/// Rows of different lengths, filled up at their ends.
struct PaddedBatch {
  std::vector<std::int32_t> tokens;   ///< [rows, length], row-major
  std::vector<std::int32_t> lengths;  ///< [rows], without the padding
  std::int64_t rows = 0, length = 0;
};

/// The sequences of these numbers in this order, as long as the longest. Throws Error without rows, and when
/// all are empty.
PaddedBatch padded_batch(const TokenSequences& sequences, std::span<const std::int64_t> rows,
                         std::int32_t padding);

struct LengthBatchOptions {
  std::int64_t batch = 32;  ///< rows of a batch
  /// Sequences are sorted by length in random groups of so many batches: little padding, much chance.
  std::int64_t group = 32;
};

/// Which sequences make up which batch: epoch after epoch, each of which has every sequence once, in batches
/// of similar length that come in random order. The rows of batch i are a function of the lengths, the
/// options, the seed and i alone, so that training goes on where it was stopped given i.
class LengthBatches {
 public:
  /// Throws Error without sequences, or when batch or group is below 1 or beyond 2^20.
  LengthBatches(std::vector<std::int64_t> lengths, const LengthBatchOptions& options, std::uint64_t seed);

  /// Batches of an epoch; one of them may have fewer rows than the others.
  std::int64_t per_epoch() const;

  /// The rows of batch `index` >= 0. An epoch is laid out when its first batch is asked for: to be called by
  /// one thread.
  std::span<const std::int64_t> batch(std::int64_t index);

 private:
  void lay_out(std::int64_t epoch);

  std::vector<std::int64_t> lengths_;
  LengthBatchOptions options_;
  std::uint64_t seed_;
  std::int64_t epoch_ = -1;           // the one laid out
  std::vector<std::int64_t> order_;   // all sequences, batch after batch
  std::vector<std::int64_t> starts_;  // of the batches in order_, as they come
};

}  // namespace attend::data
