#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attend/base/random.h"
#include "attend/data/language_model.h"
#include "attend/data/sequences.h"
#include "attend/data/token_file.h"
#include "attend/data/tokenizer.h"

/// Batches for a masked language model, which learns to tell tokens that are hidden from those around them
/// (Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", 2019,
/// section 3.1).
namespace attend::data {

struct MaskOptions {
  double share = 0.15;      ///< of the tokens, to be told
  double masked = 0.8;      ///< of these: the mask stands in their place
  double random = 0.1;      ///< of these: any token stands there; the rest stays as it is
  bool whole_words = true;  ///< all tokens of a word are to be told, or none
};

/// Hides tokens of a text. A word begins at a token that begins with ASCII white space or punctuation, and
/// behind a token that ends in one.
class TokenMasker {
 public:
  /// Throws Error unless 0 < share < 1, and `masked` and `random` are shares whose sum is at most 1.
  explicit TokenMasker(const Tokenizer& tokenizer, const MaskOptions& options = {});

  /// targets[i] becomes tokens[i] where it is to be told, else -1; then tokens[i] is changed. Token i draws
  /// element first + i of the stream. Ids behind those of the tokenizer stay as they are.
  void hide(std::span<std::int32_t> tokens, std::span<std::int32_t> targets, const RandomStream& stream,
            std::uint64_t first = 0) const;

  const SpecialTokens& special() const { return special_; }

 private:
  MaskOptions options_;
  SpecialTokens special_;
  std::vector<bool> begins_, ends_;  // of each token: whether a word begins at it, or behind it
};

/// Rows of equal length [rows, length], row-major: a start mark and then tokens of the text.
struct MaskedBatch {
  std::vector<std::int32_t> tokens;
  std::vector<std::int32_t> targets;  ///< -1 where nothing is to be told
  std::int64_t rows = 0, length = 0;
};

/// Batches of random rows, with replacement, that begin behind a line break where there is one near. Batch i
/// is a function of the tokens, the options, `seed` and i alone, so that training goes on where it was
/// stopped given i.
class RandomMaskedRows {
 public:
  /// Tokens and tokenizer must outlive this object. A row has window.context tokens with its start mark.
  /// Throws Error when batch is below 1, context below 2, their product beyond 2^31, or the text is shorter
  /// than a row, naming both numbers.
  RandomMaskedRows(const TokenView& tokens, const Tokenizer& tokenizer, const WindowOptions& window,
                   const MaskOptions& mask, std::uint64_t seed);

  /// Batch `index` >= 0.
  MaskedBatch batch(std::int64_t index) const;

 private:
  std::int64_t line_start(std::int64_t begin) const;

  TokenView tokens_;
  WindowOptions window_;
  TokenMasker masker_;
  std::int32_t line_break_;
  std::uint64_t seed_;
};

/// All of a text in rows that do not overlap, for evaluation. What is hidden depends on the text, the mask
/// options and the seed, not on the batch. The last batch may have fewer rows; a rest shorter than a row
/// comes as a batch of its own.
class ConsecutiveMaskedRows {
 public:
  /// As RandomMaskedRows, but any text of at least 1 token will do.
  ConsecutiveMaskedRows(const TokenView& tokens, const Tokenizer& tokenizer, const WindowOptions& window,
                        const MaskOptions& mask, std::uint64_t seed);

  /// Number of batches.
  std::int64_t size() const;
  /// Throws Error unless 0 <= index < size().
  MaskedBatch batch(std::int64_t index) const;

 private:
  TokenView tokens_;
  WindowOptions window_;
  TokenMasker masker_;
  std::uint64_t seed_;
};

}  // namespace attend::data
