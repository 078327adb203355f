#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace attend::metric {

/// How often each n-gram occurs. The keys are views into the text they were counted in.
using NgramCounts = std::unordered_map<std::string_view, std::int64_t>;

/// Adds the n-grams of `units`, which are views into one text, in order, all with equally many bytes between
/// two (one space between words, nothing between characters).
void count_ngrams(const std::vector<std::string_view>& units, std::size_t n, NgramCounts& counts);

/// The sum over n-grams of the smaller count.
std::int64_t count_matches(const NgramCounts& a, const NgramCounts& b);

/// Number of n-grams of so many units.
std::int64_t ngram_total(std::size_t units, std::size_t n);

}  // namespace attend::metric
