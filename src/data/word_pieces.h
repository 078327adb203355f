#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "attend/data/tokenizer.h"

/// Sentences of words as the tokens of a tokenizer that may split words.
namespace attend::data {

/// A part of a sentence that a model reads at once.
struct WordPieces {
  std::vector<std::int32_t> ids;    ///< a start mark, then the pieces of the words
  std::vector<std::int64_t> words;  ///< of each word, the place of its first piece in `ids`
  std::int64_t first_word = 0;      ///< the number of the first of these words in the sentence
};

/// Turns words into pieces, each word for itself with a space before it, as it would stand in a text, so that
/// the pieces of a word never depend on its neighbours.
class WordEncoder {
 public:
  /// The tokenizer must outlive this object. `start` is the mark before each part.
  WordEncoder(const Tokenizer& tokenizer, std::int32_t start) : tokenizer_(tokenizer), start_(start) {}

  /// All words of a sentence, in as few parts of at most `context` tokens (at least 2) as their order allows.
  /// Of a word that is longer than a part, its beginning is read. Throws Error as Tokenizer::encode does.
  std::vector<WordPieces> encode(const std::vector<std::string>& sentence, std::int64_t context);

 private:
  const std::vector<std::int32_t>& pieces_of(const std::string& word);

  const Tokenizer& tokenizer_;
  std::int32_t start_;
  std::unordered_map<std::string, std::vector<std::int32_t>> known_;
};

}  // namespace attend::data
