#include "task/tag/characters.h"

#include <map>

#include "attend/base/error.h"
#include "data/utf8.h"

namespace attend::task {

namespace {

constexpr std::ptrdiff_t kMost = 64;

/// Calls `use` with each code point, -1 for a byte that is no UTF-8.
template <class Use>
void for_each_character(std::string_view text, Use use) {
  while (!text.empty()) {
    const data::CodePoint character = data::first_code_point(text);
    use(character.length == 0 ? -1 : character.value);
    text.remove_prefix(character.length == 0 ? 1 : character.length);
  }
}

}  // namespace

CharacterSet::CharacterSet(std::string_view characters) {
  for_each_character(characters, [&](std::int32_t character) {
    const auto number = static_cast<std::int32_t>(numbers_.size()) + 1;
    if (character < 0 || !numbers_.emplace(character, number).second)
      throw Error("known characters are not UTF-8, or one is named twice");
  });
}

std::vector<std::int32_t> CharacterSet::numbers(std::string_view word) const {
  std::vector<std::int32_t> result;
  for_each_character(word, [&](std::int32_t character) {
    const auto found = numbers_.find(character);
    result.push_back(found == numbers_.end() ? 0 : found->second);
  });
  if (result.empty()) result.push_back(0);
  // Beginning and end tell most.
  if (std::ssize(result) > kMost) result.erase(result.begin() + kMost / 2, result.end() - kMost / 2);
  return result;
}

std::string characters_of(std::span<const data::TaggedSentence> sentences) {
  std::map<std::int32_t, std::int64_t> counts;
  for (const data::TaggedSentence& sentence : sentences)
    for (const std::string& word : sentence.words)
      for_each_character(word, [&](std::int32_t character) { ++counts[character]; });
  std::string characters;
  for (const auto& [character, count] : counts)
    if (character >= 0 && count > 1) characters += data::utf8_of(character);
  return characters;
}

}  // namespace attend::task
