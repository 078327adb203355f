#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "attend/data/sequences.h"
#include "attend/data/tokenizer.h"
#include "attend/explain/word_scores.h"
#include "attend/model/encoder.h"

namespace attend::task {

/// A sequence whose words are asked what they did for an answer.
struct EvidenceInput {
  std::vector<std::int32_t> ids;            ///< of a tokenizer, and marks (data::SpecialTokens)
  std::vector<std::int32_t> segments = {};  ///< of each token; empty: all 0
  /// What is shown for the separator mark; nothing is shown for others.
  std::string separator = "\n";
};

/// Which words of a sequence led to an answer, by several measures. Marks are no words: their scores are
/// left out.
class WordEvidence {
 public:
  /// Throws Error for a sequence without a word.
  WordEvidence(const model::Encoder& encoder, const data::Tokenizer& tokenizer, EvidenceInput input);

  const std::vector<explain::WordScores::Word>& words() const { return scores_.words; }
  const std::string& text() const { return scores_.text; }

  /// The sequence as a batch of one row: [1, length].
  Tensor row() const;
  Tensor segments() const;

  /// For each token the gradient of answer(features of the encoder) by the token's embedding, times the
  /// embedding. The answer has one element.
  std::vector<double> gradient_times_input(const std::function<Tensor(const Tensor& features)>& answer) const;

  /// The sequence; and behind it, for each word, the sequence with that word hidden.
  data::TokenSequences with_hidden_words() const;

  /// Adds a measure: by scores of all tokens, or of words.
  void add(const std::string& name, const std::string& meaning, std::vector<double> scores_of_tokens);
  void add_words(const std::string& name, const std::string& meaning, std::vector<double> scores_of_words);

  /// What was added.
  const explain::WordScores& scores() const { return scores_; }

 private:
  const model::Encoder& encoder_;
  data::SpecialTokens special_;
  EvidenceInput input_;
  std::vector<std::string> pieces_;  // of each token, empty for marks that are not shown
  explain::WordScores scores_;
};

/// Two texts as one, the second on a line of its own, with the measures that both have.
explain::WordScores joined(const explain::WordScores& first, const explain::WordScores& second);

}  // namespace attend::task
