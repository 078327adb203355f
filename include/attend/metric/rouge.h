#pragma once

#include <span>
#include <string>
#include <string_view>

#include "attend/metric/precision_recall.h"

namespace attend::metric {

struct RougeScore {
  /// Common 1-grams and 2-grams.
  PrecisionRecall rouge_1, rouge_2;
  /// The longest common subsequence of words of the whole text.
  PrecisionRecall rouge_l;
  /// The same line by line: the union over the hypothesis' lines of what each has in common with a line of
  /// the reference.
  PrecisionRecall rouge_lsum;
};

/// ROUGE of a summary (Lin, 2004) as Google's rouge-score computes it, without stemming: words are runs of
/// ASCII letters and digits in lower case, all else separates. Numbers are in [0, 1]. Throws Error when a
/// text is not UTF-8.
RougeScore rouge(std::string_view hypothesis, std::string_view reference);

/// The mean of each number over pairs. Throws Error when the counts differ, there is no pair, or text is not
/// UTF-8.
RougeScore mean_rouge(std::span<const std::string> hypotheses, std::span<const std::string> references);

}  // namespace attend::metric
