#include "attend/metric/rouge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "attend/base/error.h"
#include "metric/ngrams.h"
#include "metric/text.h"

namespace attend::metric {
namespace {

using Words = std::vector<std::string_view>;

/// The text in lower case with a space for all that is no ASCII letter or digit.
std::string plain(std::string_view text) {
  std::string result = lower(text);
  for (char& c : result) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!kept) c = ' ';
  }
  return join(split(result));
}

PrecisionRecall score_ngrams(const Words& hypothesis, const Words& reference, std::size_t n) {
  NgramCounts ours;
  NgramCounts theirs;
  count_ngrams(hypothesis, n, ours);
  count_ngrams(reference, n, theirs);
  return precision_recall(count_matches(ours, theirs), ngram_total(hypothesis.size(), n),
                          ngram_total(reference.size(), n));
}

std::int64_t longest_common(const Words& a, const Words& b) {
  std::vector<std::int64_t> row(b.size() + 1, 0);
  for (std::string_view word : a) {
    std::int64_t diagonal = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::int64_t above = row[j];
      row[j] = word == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

/// Marks the words of `reference` that are in one longest common subsequence with `hypothesis`. Of several,
/// it is the one that rouge-score's walk from the end finds; others would give other unions.
void mark_common(const Words& reference, const Words& hypothesis, std::vector<bool>& marked) {
  const std::size_t columns = hypothesis.size() + 1;
  std::vector<std::int32_t> table((reference.size() + 1) * columns, 0);
  const auto at = [&](std::size_t i, std::size_t j) -> std::int32_t& { return table[i * columns + j]; };
  for (std::size_t i = 1; i <= reference.size(); ++i)
    for (std::size_t j = 1; j < columns; ++j)
      at(i, j) =
          reference[i - 1] == hypothesis[j - 1] ? at(i - 1, j - 1) + 1 : std::max(at(i - 1, j), at(i, j - 1));
  std::size_t i = reference.size();
  std::size_t j = hypothesis.size();
  while (i > 0 && j > 0) {
    if (reference[i - 1] == hypothesis[j - 1]) {
      marked[--i] = true;
      --j;
    } else if (at(i, j - 1) > at(i - 1, j)) {
      --j;
    } else {
      --i;
    }
  }
}

std::vector<std::string> plain_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(plain(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

struct Lines {
  std::vector<std::string> text;
  std::vector<Words> words;
  std::unordered_map<std::string_view, std::int64_t> counts;
  std::int64_t total = 0;
};

Lines lines_of(std::string_view text) {
  Lines result;
  result.text = plain_lines(text);
  for (const std::string& line : result.text) {
    result.words.push_back(split(line));
    for (std::string_view word : result.words.back()) ++result.counts[word];
    result.total += static_cast<std::int64_t>(result.words.back().size());
  }
  return result;
}

PrecisionRecall score_lines(std::string_view hypothesis_text, std::string_view reference_text) {
  Lines hypothesis = lines_of(hypothesis_text);
  Lines reference = lines_of(reference_text);
  std::int64_t matches = 0;
  for (const Words& line : reference.words) {
    std::vector<bool> marked(line.size(), false);
    for (const Words& other : hypothesis.words) mark_common(line, other, marked);
    for (std::size_t i = 0; i < line.size(); ++i) {
      // A word counts no more often than it occurs on either side, though several lines may hold it.
      if (!marked[i] || hypothesis.counts[line[i]] == 0 || reference.counts[line[i]] == 0) continue;
      ++matches;
      --hypothesis.counts[line[i]];
      --reference.counts[line[i]];
    }
  }
  return precision_recall(matches, hypothesis.total, reference.total);
}

RougeScore score_pair(std::string_view hypothesis, std::string_view reference) {
  const std::string hypothesis_text = plain(hypothesis);
  const std::string reference_text = plain(reference);
  const Words ours = split(hypothesis_text);
  const Words theirs = split(reference_text);
  RougeScore result;
  result.rouge_1 = score_ngrams(ours, theirs, 1);
  result.rouge_2 = score_ngrams(ours, theirs, 2);
  result.rouge_l = precision_recall(longest_common(ours, theirs), ngram_total(ours.size(), 1),
                                    ngram_total(theirs.size(), 1));
  result.rouge_lsum = score_lines(hypothesis, reference);
  return result;
}

void add(PrecisionRecall& sum, const PrecisionRecall& x, double weight) {
  sum.precision += weight * x.precision;
  sum.recall += weight * x.recall;
  sum.f1 += weight * x.f1;
}

}  // namespace

RougeScore rouge(std::string_view hypothesis, std::string_view reference) {
  check_utf8(hypothesis, "ROUGE: the hypothesis");
  check_utf8(reference, "ROUGE: the reference");
  return score_pair(hypothesis, reference);
}

RougeScore mean_rouge(std::span<const std::string> hypotheses, std::span<const std::string> references) {
  if (hypotheses.size() != references.size())
    throw Error(fmt::format("ROUGE: {} hypotheses for {} references; there must be one for each",
                            hypotheses.size(), references.size()));
  if (hypotheses.empty()) throw Error("ROUGE: no pairs of texts; at least one is needed");
  RougeScore mean;
  const double weight = 1 / static_cast<double>(hypotheses.size());
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    check_utf8(hypotheses[i], fmt::format("ROUGE: hypothesis {}", i + 1));
    check_utf8(references[i], fmt::format("ROUGE: reference {}", i + 1));
    const RougeScore score = score_pair(hypotheses[i], references[i]);
    add(mean.rouge_1, score.rouge_1, weight);
    add(mean.rouge_2, score.rouge_2, weight);
    add(mean.rouge_l, score.rouge_l, weight);
    add(mean.rouge_lsum, score.rouge_lsum, weight);
  }
  return mean;
}

}  // namespace attend::metric
