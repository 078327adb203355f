#include "metric/ngrams.h"

#include <algorithm>

namespace attend::metric {

void count_ngrams(const std::vector<std::string_view>& units, std::size_t n, NgramCounts& counts) {
  for (std::size_t i = 0; i + n <= units.size(); ++i) {
    const char* begin = units[i].data();
    const char* end = units[i + n - 1].data() + units[i + n - 1].size();
    ++counts[std::string_view(begin, static_cast<std::size_t>(end - begin))];
  }
}

std::int64_t count_matches(const NgramCounts& a, const NgramCounts& b) {
  std::int64_t matches = 0;
  for (const auto& [ngram, count] : a) {
    const auto found = b.find(ngram);
    if (found != b.end()) matches += std::min(count, found->second);
  }
  return matches;
}

std::int64_t ngram_total(std::size_t units, std::size_t n) {
  return units < n ? 0 : static_cast<std::int64_t>(units - n + 1);
}

}  // namespace attend::metric
