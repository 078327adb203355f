#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "attend/data/tagged.h"

namespace attend::task {

/// Numbers for characters (Unicode code points) of words: 0 for any that is not known.
class CharacterSet {
 public:
  CharacterSet() = default;
  /// From the known characters in the order of their numbers. Throws Error when the text is not UTF-8 or
  /// names one twice.
  explicit CharacterSet(std::string_view characters);

  /// How many numbers there are; 0 for an empty set.
  std::int64_t size() const { return numbers_.empty() ? 0 : static_cast<std::int64_t>(numbers_.size()) + 1; }

  /// Of a word of UTF-8, at least one; a word longer than 64 characters without its middle.
  std::vector<std::int32_t> numbers(std::string_view word) const;

 private:
  std::unordered_map<std::int32_t, std::int32_t> numbers_;
};

/// The characters of words that stand in sentences more than once, sorted.
std::string characters_of(std::span<const data::TaggedSentence> sentences);

}  // namespace attend::task
