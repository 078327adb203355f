#pragma once

#include <cstdint>
#include <vector>

#include "attend/data/token_file.h"

/// Batches of tokens for a language model, which learns to tell each token from those before it.
namespace attend::data {

/// Row r of `inputs` [batch, context] is a window of the text; row r of `targets` is the same window one
/// token later. Row-major.
struct TokenBatch {
  std::vector<std::int32_t> inputs, targets;
  std::int64_t batch = 0, context = 0;
};

struct TokenSplit {
  TokenView train, validation;
};

/// The first part for training, the last `validation_ratio` of the tokens for validation: by position, so
/// that no validation text is seen in training. The training part has floor(size * (1 - ratio)) tokens.
/// Throws Error unless 0 <= ratio < 1.
TokenSplit split_by_position(const TokenView& tokens, double validation_ratio = 0.1);

struct WindowOptions {
  std::int64_t batch = 12;
  std::int64_t context = 64;
};

/// Batches of random windows, with replacement: batch i is a function of the tokens, the options, `seed` and
/// i alone, so that training goes on where it was stopped given i.
class RandomWindows {
 public:
  /// The tokens must outlive this object. Throws Error when batch or context is below 1, their product is
  /// beyond 2^31, or the text is not longer than the context, naming both numbers.
  RandomWindows(const TokenView& tokens, const WindowOptions& options, std::uint64_t seed);

  /// Batch `index` >= 0.
  TokenBatch batch(std::int64_t index) const;

 private:
  TokenView tokens_;
  WindowOptions options_;
  std::uint64_t seed_;
};

/// All of a text in consecutive windows that do not overlap, for evaluation: every token but the first is a
/// target exactly once. The last batch may have fewer rows; a rest shorter than the context comes as a batch
/// of its own, of one row.
class ConsecutiveWindows {
 public:
  /// The tokens must outlive this object. Throws Error when batch or context is below 1, their product is
  /// beyond 2^31, or the text has fewer than 2 tokens.
  ConsecutiveWindows(const TokenView& tokens, const WindowOptions& options);

  /// Number of batches.
  std::int64_t size() const;

  /// Number of targets in all batches: the tokens less one.
  std::int64_t targets() const { return tokens_.size() - 1; }

  /// Batch `index`. Throws Error unless 0 <= index < size().
  TokenBatch batch(std::int64_t index) const;

 private:
  TokenView tokens_;
  WindowOptions options_;
};

}  // namespace attend::data
