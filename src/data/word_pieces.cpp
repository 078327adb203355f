#include "data/word_pieces.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"

namespace attend::data {

namespace {

// Words come back often, but a stream of new ones must not fill the memory.
constexpr std::size_t kMostKnown = 1 << 18;

}  // namespace

const std::vector<std::int32_t>& WordEncoder::pieces_of(const std::string& word) {
  const auto found = known_.find(word);
  if (found != known_.end()) return found->second;
  std::vector<std::int32_t> pieces = tokenizer_.encode(" " + word);
  if (pieces.empty()) throw Error("a word of white space alone: the tokenizer has no token for it");
  if (known_.size() >= kMostKnown) known_.clear();
  return known_.emplace(word, std::move(pieces)).first->second;
}

std::vector<WordPieces> WordEncoder::encode(const std::vector<std::string>& sentence, std::int64_t context) {
  if (context < 2)
    throw Error(fmt::format("a context of {} tokens: at least 2 needed to tag words", context));
  const auto most = static_cast<std::size_t>(context);
  std::vector<WordPieces> parts;
  for (std::size_t word = 0; word < sentence.size(); ++word) {
    const std::vector<std::int32_t>& pieces = pieces_of(sentence[word]);
    const std::size_t count = std::min(pieces.size(), most - 1);
    if (parts.empty() || parts.back().ids.size() + count > most)
      parts.push_back({.ids = {start_}, .words = {}, .first_word = static_cast<std::int64_t>(word)});
    WordPieces& part = parts.back();
    part.words.push_back(static_cast<std::int64_t>(part.ids.size()));
    part.ids.insert(part.ids.end(), pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return parts;
}

}  // namespace attend::data
