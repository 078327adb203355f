#include "attend/metric/chrf.h"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

#include "attend/base/error.h"
#include "data/utf8.h"
#include "metric/ngrams.h"
#include "metric/references.h"
#include "metric/text.h"

namespace attend::metric {
namespace {

/// What is counted of one n-gram order.
struct Counts {
  std::int64_t hypothesis = 0;
  std::int64_t reference = 0;
  std::int64_t matches = 0;
};

bool is_ascii_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/// The words, of each one mark split off: the last character if it is punctuation, or else the first.
std::vector<std::string_view> words_and_marks(std::string_view text) {
  std::vector<std::string_view> result;
  for (std::string_view word : split(text)) {
    std::size_t cut = 0;
    if (word.size() > 1 && is_ascii_punctuation(word.back())) {
      cut = word.size() - 1;
    } else if (word.size() > 1 && is_ascii_punctuation(word.front())) {
      cut = 1;
    }
    if (cut > 0) result.push_back(word.substr(0, cut));
    result.push_back(word.substr(cut));
  }
  return result;
}

/// The n-grams of one text, all orders. They are views into texts of its own.
class Segment {
 public:
  Segment(std::string_view line, const ChrfOptions& options) {
    const std::string text = options.lowercase ? lower(line) : std::string(line);
    for (std::string_view word : split(text)) characters_ += word;
    std::vector<std::string_view> units;
    for (std::string_view rest = characters_; !rest.empty(); rest.remove_prefix(units.back().size()))
      units.push_back(rest.substr(0, data::first_code_point(rest).length));
    add(units, options.char_order);
    if (options.word_order == 0) return;
    words_ = join(words_and_marks(text));
    add(split(words_), options.word_order);
  }
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  Segment(Segment&&) = delete;
  Segment& operator=(Segment&&) = delete;
  ~Segment() = default;

  /// One for each order of characters, then one for each order of words.
  const std::vector<NgramCounts>& ngrams() const { return ngrams_; }
  std::int64_t total(std::size_t order) const { return totals_[order]; }

 private:
  void add(const std::vector<std::string_view>& units, int orders) {
    for (std::size_t n = 1; n <= static_cast<std::size_t>(orders); ++n) {
      count_ngrams(units, n, ngrams_.emplace_back());
      totals_.push_back(ngram_total(units.size(), n));
    }
  }

  std::string characters_, words_;
  std::vector<NgramCounts> ngrams_;
  std::vector<std::int64_t> totals_;
};

std::vector<Counts> compare(const Segment& hypothesis, const Segment& reference) {
  std::vector<Counts> counts(hypothesis.ngrams().size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i].reference = reference.total(i);
    // An order that the reference is too short for says nothing about the hypothesis.
    if (counts[i].reference == 0) continue;
    counts[i].hypothesis = hypothesis.total(i);
    counts[i].matches = count_matches(hypothesis.ngrams()[i], reference.ngrams()[i]);
  }
  return counts;
}

double f_score(const std::vector<Counts>& counts, int beta) {
  double precision = 0;
  double recall = 0;
  int orders = 0;
  for (const Counts& c : counts) {
    if (c.hypothesis == 0 || c.reference == 0) continue;
    precision += static_cast<double>(c.matches) / static_cast<double>(c.hypothesis);
    recall += static_cast<double>(c.matches) / static_cast<double>(c.reference);
    ++orders;
  }
  if (precision + recall == 0) return 0;
  precision /= orders;
  recall /= orders;
  const double factor = static_cast<double>(beta) * beta;
  return 100 * (1 + factor) * precision * recall / (factor * precision + recall);
}

void check(const ChrfOptions& options) {
  if (options.char_order < 1 || options.char_order > 100)
    throw Error(fmt::format("chrF: char_order is {}; it must be 1 to 100", options.char_order));
  if (options.word_order < 0 || options.word_order > 100)
    throw Error(fmt::format("chrF: word_order is {}; it must be 0 to 100", options.word_order));
  if (options.beta < 1 || options.beta > 1000)
    throw Error(fmt::format("chrF: beta is {}; it must be 1 to 1000", options.beta));
}

}  // namespace

ChrfScore corpus_chrf(std::span<const std::string> hypotheses,
                      std::span<const std::vector<std::string>> references, const ChrfOptions& options) {
  check(options);
  check_segments("chrF", hypotheses, references);
  std::vector<Counts> sums(static_cast<std::size_t>(options.char_order + options.word_order));
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    const Segment hypothesis(hypotheses[i], options);
    std::vector<Counts> best;
    double best_score = -1;
    for (const std::string& reference : references[i]) {
      std::vector<Counts> counts = compare(hypothesis, Segment(reference, options));
      const double score = f_score(counts, options.beta);
      if (score <= best_score) continue;
      best_score = score;
      best = std::move(counts);
    }
    for (std::size_t order = 0; order < sums.size(); ++order) {
      sums[order].hypothesis += best[order].hypothesis;
      sums[order].reference += best[order].reference;
      sums[order].matches += best[order].matches;
    }
  }
  ChrfScore result;
  result.score = f_score(sums, options.beta);
  result.name =
      fmt::format("chrF{}{}", options.beta, std::string(static_cast<std::size_t>(options.word_order), '+'));
  result.signature =
      make_signature(references, options.lowercase,
                     fmt::format("eff:yes|nc:{}|nw:{}|space:no", options.char_order, options.word_order));
  return result;
}

std::string ChrfScore::text(int digits) const {
  return fmt::format("{}|{} = {:.{}f}", name, signature, score, digits);
}

}  // namespace attend::metric
