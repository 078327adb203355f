#include "attend/explain/words.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace attend::explain {

namespace {

constexpr std::string_view kWhite = " \t\r\n";

bool is_white(const std::string& text) {
  return text.find_first_not_of(kWhite) == std::string::npos;
}

/// [rows, columns] to [rows, groups]: the sum of each group of columns.
std::vector<float> sum_columns(const float* values, std::size_t rows, std::size_t columns,
                               const std::vector<std::int64_t>& group, std::size_t groups) {
  std::vector<float> sums(rows * groups, 0.0f);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c)
      sums[r * groups + static_cast<std::size_t>(group[c])] += values[r * columns + c];
  }
  return sums;
}

/// [rows, columns] to [groups, columns]: the mean of each group of rows.
std::vector<float> mean_rows(const std::vector<float>& values, std::size_t columns,
                             const std::vector<std::int64_t>& group, std::size_t groups) {
  std::vector<float> means(groups * columns, 0.0f);
  for (std::size_t r = 0; r < group.size(); ++r) {
    const auto size = static_cast<float>(std::ranges::count(group, group[r]));
    for (std::size_t c = 0; c < columns; ++c)
      means[static_cast<std::size_t>(group[r]) * columns + c] += values[r * columns + c] / size;
  }
  return means;
}

}  // namespace

std::vector<std::int64_t> words_of(const std::vector<std::string>& pieces) {
  std::vector<std::int64_t> words;
  std::int64_t word = -1;
  bool ended = true;  // what comes next begins a word
  for (const std::string& piece : pieces) {
    const bool begins_white = !piece.empty() && kWhite.find(piece.front()) != std::string_view::npos;
    const bool ends_white = !piece.empty() && kWhite.find(piece.back()) != std::string_view::npos;
    const bool after_white_alone = !words.empty() && ended && is_white(pieces[words.size() - 1]);
    if (words.empty() || begins_white || (ended && !after_white_alone)) ++word;
    words.push_back(word);
    ended = ends_white;
  }
  return words;
}

std::vector<std::string> joined(const std::vector<std::string>& pieces,
                                const std::vector<std::int64_t>& words) {
  std::vector<std::string> texts(words.empty() ? 0 : static_cast<std::size_t>(words.back()) + 1);
  for (std::size_t i = 0; i < pieces.size(); ++i) texts[static_cast<std::size_t>(words[i])] += pieces[i];
  for (std::string& text : texts) {
    if (is_white(text)) continue;
    const std::size_t begin = text.find_first_not_of(kWhite), end = text.find_last_not_of(kWhite);
    text = text.substr(begin, end - begin + 1);
  }
  return texts;
}

AttentionMaps merge_words(const AttentionMaps& maps) {
  check_shape(maps);
  const std::vector<std::int64_t> query_words = words_of(maps.queries), key_words = words_of(maps.keys);
  AttentionMaps merged = maps;
  merged.queries = joined(maps.queries, query_words);
  merged.keys = joined(maps.keys, key_words);
  merged.weights.clear();
  const std::size_t queries = maps.queries.size(), keys = maps.keys.size();
  const auto heads = static_cast<std::size_t>(maps.layers * maps.heads);
  for (std::size_t head = 0; head < heads; ++head) {
    const std::vector<float> received = sum_columns(maps.weights.data() + head * queries * keys, queries,
                                                    keys, key_words, merged.keys.size());
    const std::vector<float> looked =
        mean_rows(received, merged.keys.size(), query_words, merged.queries.size());
    merged.weights.insert(merged.weights.end(), looked.begin(), looked.end());
  }
  return merged;
}

}  // namespace attend::explain
