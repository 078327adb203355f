#include "attend/metric/bleu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "attend/base/error.h"
#include "metric/ngrams.h"
#include "metric/references.h"
#include "metric/text.h"

namespace attend::metric {
namespace {

constexpr std::size_t kOrders = BleuScore::kOrders;

// The rules look at ASCII only. A byte of a longer character is to them what the character is: no digit, no
// mark.
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_not_digit(char c) {
  return !is_digit(c);
}
bool is_period_or_comma(char c) {
  return c == '.' || c == ',';
}
bool is_dash(char c) {
  return c == '-';
}
bool is_mark(char c) {
  return (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || c == '/' || (c >= ':' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/// Sets the mark of each pair (first, second) off by spaces. Pairs do not overlap: the next one is looked for
/// behind the end of the one before.
std::string set_off(std::string_view text, bool (*is_first)(char), bool (*is_second)(char),
                    bool mark_is_first) {
  std::string result;
  result.reserve(text.size() + 16);
  std::size_t i = 0;
  while (i < text.size()) {
    if (i + 1 < text.size() && is_first(text[i]) && is_second(text[i + 1])) {
      if (mark_is_first) result += ' ';
      result += text[i];
      result += ' ';
      result += text[i + 1];
      if (!mark_is_first) result += ' ';
      i += 2;
    } else {
      result += text[i];
      ++i;
    }
  }
  return result;
}

/// What is counted in one segment.
struct Counts {
  std::array<std::int64_t, kOrders> matches = {};
  std::array<std::int64_t, kOrders> totals = {};
  std::int64_t hypothesis_length = 0;
  std::int64_t reference_length = 0;
};

std::string tokens_of(std::string_view line, bool lowercase) {
  return tokenize_13a(lowercase ? lower(line) : line);
}

std::int64_t nearest_length(std::int64_t length, const std::vector<std::int64_t>& candidates) {
  return *std::min_element(candidates.begin(), candidates.end(), [length](std::int64_t a, std::int64_t b) {
    return std::pair(std::abs(a - length), a) < std::pair(std::abs(b - length), b);
  });
}

void add_segment(const std::string& hypothesis, const std::vector<std::string>& references, bool lowercase,
                 Counts& counts) {
  const std::string text = tokens_of(hypothesis, lowercase);
  const auto tokens = split(text);
  std::vector<std::string> reference_texts;
  for (const std::string& reference : references) reference_texts.push_back(tokens_of(reference, lowercase));
  std::vector<std::vector<std::string_view>> reference_tokens;
  std::vector<std::int64_t> lengths;
  for (const std::string& reference : reference_texts) {
    reference_tokens.push_back(split(reference));
    lengths.push_back(static_cast<std::int64_t>(reference_tokens.back().size()));
  }
  for (std::size_t n = 1; n <= kOrders; ++n) {
    NgramCounts most;
    for (const auto& reference : reference_tokens) {
      NgramCounts here;
      count_ngrams(reference, n, here);
      for (const auto& [ngram, count] : here) {
        std::int64_t& so_far = most[ngram];
        so_far = std::max(so_far, count);
      }
    }
    NgramCounts ours;
    count_ngrams(tokens, n, ours);
    counts.matches[n - 1] += count_matches(ours, most);
    counts.totals[n - 1] += ngram_total(tokens.size(), n);
  }
  const auto length = static_cast<std::int64_t>(tokens.size());
  counts.hypothesis_length += length;
  counts.reference_length += nearest_length(length, lengths);
}

double smoothing_value_of(const BleuOptions& options) {
  if (options.smoothing_value >= 0) return options.smoothing_value;
  return options.smoothing == Smoothing::floor ? 0.1 : 1.0;
}

std::string name_of(const BleuOptions& options) {
  switch (options.smoothing) {
    case Smoothing::none:
      return "none";
    case Smoothing::floor:
      return fmt::format("floor[{:.2f}]", smoothing_value_of(options));
    case Smoothing::add_k:
      return fmt::format("add-k[{:.2f}]", smoothing_value_of(options));
    default:
      return "exp";
  }
}

/// Fills precisions, brevity penalty and score from the counts.
void compute(const BleuOptions& options, BleuScore& result) {
  const auto length = static_cast<double>(result.hypothesis_length);
  const auto reference_length = static_cast<double>(result.reference_length);
  result.brevity_penalty = 1;
  if (length < reference_length)
    result.brevity_penalty = length > 0 ? std::exp(1 - reference_length / length) : 0;
  if (std::all_of(result.matches.begin(), result.matches.end(), [](auto matches) { return matches == 0; }))
    return;

  std::size_t orders = kOrders;
  double halved = 1;
  for (std::size_t i = 0; i < kOrders; ++i) {
    auto matches = static_cast<double>(result.matches[i]);
    auto total = static_cast<double>(result.totals[i]);
    if (options.smoothing == Smoothing::add_k && i > 0) {
      matches += smoothing_value_of(options);
      total += smoothing_value_of(options);
    }
    if (total == 0) break;
    if (options.effective_order) orders = i + 1;
    if (matches == 0 && options.smoothing == Smoothing::exponential) {
      halved /= 2;
      matches = halved;
    } else if (matches == 0 && options.smoothing == Smoothing::floor) {
      matches = smoothing_value_of(options);
    }
    result.precisions[i] = 100 * matches / total;
  }
  double sum = 0;
  for (std::size_t i = 0; i < orders; ++i) {
    if (result.precisions[i] == 0) return;
    sum += std::log(result.precisions[i]);
  }
  result.score = result.brevity_penalty * std::exp(sum / static_cast<double>(orders));
}

}  // namespace

std::string tokenize_13a(std::string_view line) {
  const auto words = split(line);
  if (words.empty()) return "";
  const auto end = static_cast<std::size_t>(words.back().data() + words.back().size() - line.data());
  std::string text = replace_all(line.substr(0, end), "<skipped>", "");
  text = replace_all(text, "-\n", "");
  text = replace_all(text, "\n", " ");
  // One after the other, so that "&amp;lt;" becomes "<".
  text = replace_all(text, "&quot;", "\"");
  text = replace_all(text, "&amp;", "&");
  text = replace_all(text, "&lt;", "<");
  text = replace_all(text, "&gt;", ">");

  std::string marks_apart = " ";
  for (char c : text) {
    if (is_mark(c)) {
      marks_apart += {' ', c, ' '};
    } else {
      marks_apart += c;
    }
  }
  text = marks_apart + " ";
  text = set_off(text, is_not_digit, is_period_or_comma, false);
  text = set_off(text, is_period_or_comma, is_not_digit, true);
  text = set_off(text, is_digit, is_dash, false);
  return join(split(text));
}

BleuScore corpus_bleu(std::span<const std::string> hypotheses,
                      std::span<const std::vector<std::string>> references, const BleuOptions& options) {
  check_segments("BLEU", hypotheses, references);
  if (std::isnan(options.smoothing_value) || std::isinf(options.smoothing_value))
    throw Error(
        fmt::format("BLEU: smoothing_value is {}; it must be a finite number", options.smoothing_value));
  Counts counts;
  for (std::size_t i = 0; i < hypotheses.size(); ++i)
    add_segment(hypotheses[i], references[i], options.lowercase, counts);
  BleuScore result;
  result.matches = counts.matches;
  result.totals = counts.totals;
  result.hypothesis_length = counts.hypothesis_length;
  result.reference_length = counts.reference_length;
  compute(options, result);
  result.signature = make_signature(
      references, options.lowercase,
      fmt::format("eff:{}|tok:13a|smooth:{}", options.effective_order ? "yes" : "no", name_of(options)));
  return result;
}

BleuScore sentence_bleu(std::string_view hypothesis, std::span<const std::string> references,
                        const BleuOptions& options) {
  const std::string hypotheses[] = {std::string(hypothesis)};
  const std::vector<std::string> all[] = {{references.begin(), references.end()}};
  return corpus_bleu(hypotheses, all, options);
}

std::string BleuScore::text(int digits) const {
  const double ratio = reference_length == 0
                           ? 0
                           : static_cast<double>(hypothesis_length) / static_cast<double>(reference_length);
  return fmt::format(
      "BLEU|{} = {:.{}f} {:.1f}/{:.1f}/{:.1f}/{:.1f} (BP = {:.3f} ratio = {:.3f} hyp_len = {} ref_len = {})",
      signature, score, digits, precisions[0], precisions[1], precisions[2], precisions[3], brevity_penalty,
      ratio, hypothesis_length, reference_length);
}

}  // namespace attend::metric
