#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/metric/references.h"

namespace attend::metric {

/// What becomes of an n-gram order without a match (Chen and Cherry, 2014, "A Systematic Comparison of
/// Smoothing Techniques for Sentence-Level BLEU").
enum class Smoothing {
  none,         ///< the precision is 0, and so is BLEU
  floor,        ///< `smoothing_value` counts as the number of matches
  add_k,        ///< `smoothing_value` is added to matches and totals of the orders from 2
  exponential,  ///< the k-th such order counts 1 / 2^k matches, as NIST's mteval-v13a has it
};

struct BleuOptions {
  /// Compares in lower case.
  bool lowercase = false;
  /// Leaves out the orders that the hypothesis is too short for. For single sentences.
  bool effective_order = false;
  Smoothing smoothing = Smoothing::exponential;
  /// For `floor` and `add_k`, at least 0; below 0: 0.1 and 1.
  double smoothing_value = -1;
};

struct BleuScore {
  static constexpr std::size_t kOrders = 4;

  /// 0 to 100.
  double score = 0;
  /// Of 1-grams to 4-grams, after smoothing, 0 to 100.
  std::array<double, kOrders> precisions = {};
  std::array<std::int64_t, kOrders> matches = {};
  std::array<std::int64_t, kOrders> totals = {};
  /// min(1, exp(1 - reference_length / hypothesis_length)).
  double brevity_penalty = 0;
  /// In tokens.
  std::int64_t hypothesis_length = 0;
  std::int64_t reference_length = 0;
  /// sacreBLEU's "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0".
  std::string signature;

  /// sacreBLEU's line "BLEU|signature = 41.05 72.0/50.0/33.3/25.0 (BP = 1.000 ratio = ...)", the score with
  /// `digits` digits after the point.
  std::string text(int digits = 2) const;
};

/// BLEU of a corpus (Papineni et al., 2002) as sacreBLEU computes it (Post, 2018), tokenised by 13a:
///   BLEU = brevity_penalty exp(mean over n of log precisions[n]),
/// with matches clipped to the largest count in any reference, and the reference length nearest to each
/// hypothesis' (the shorter of two equally near). Texts are UTF-8, one hypothesis for each segment of
/// references. Throws Error when the counts differ, a segment has no reference, there is no segment, or text
/// is not UTF-8.
BleuScore corpus_bleu(std::span<const std::string> hypotheses,
                      std::span<const std::vector<std::string>> references, const BleuOptions& options = {});

/// The same for one sentence, by default of effective order.
BleuScore sentence_bleu(std::string_view hypothesis, std::span<const std::string> references,
                        const BleuOptions& options = {.effective_order = true});

/// The tokens of one line by mteval-v13a's rules as sacreBLEU has them, with one space between two.
std::string tokenize_13a(std::string_view line);

}  // namespace attend::metric
