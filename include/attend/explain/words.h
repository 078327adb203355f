#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attend/explain/attention_maps.h"

namespace attend::explain {

/// For each piece the number of the word that it belongs to, from 0. A word begins with white space before
/// it, as subword tokenizers write it (" house", "boat"), or after a piece that ends in white space; a piece
/// of white space alone is joined to what follows.
std::vector<std::int64_t> words_of(const std::vector<std::string>& pieces);

/// The pieces of each word joined, white space at both ends left out (unless nothing else is there).
std::vector<std::string> joined(const std::vector<std::string>& pieces,
                                const std::vector<std::int64_t>& words);

/// Maps of words instead of pieces: what a word of several pieces looks at is the mean of what they look at,
/// and what it receives is the sum. Rows still sum to 1. Throws Error if check_shape(maps) does.
AttentionMaps merge_words(const AttentionMaps& maps);

}  // namespace attend::explain
