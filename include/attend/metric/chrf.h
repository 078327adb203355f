#pragma once

#include <span>
#include <string>
#include <vector>

#include "attend/metric/references.h"

namespace attend::metric {

struct ChrfOptions {
  /// Compares in lower case.
  bool lowercase = false;
  /// Longest n-gram of characters (without spaces), at least 1.
  int char_order = 6;
  /// Longest n-gram of words; 0 is chrF, 2 is chrF++.
  int word_order = 0;
  /// How much more recall counts than precision, at least 1.
  int beta = 2;
};

struct ChrfScore {
  /// 0 to 100.
  double score = 0;
  /// "chrF2", or "chrF2++" with a word order of 2.
  std::string name;
  /// sacreBLEU's "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0".
  std::string signature;

  /// sacreBLEU's line "chrF2|signature = 58.12", the score with `digits` digits after the point.
  std::string text(int digits = 2) const;
};

/// chrF (Popovic, 2015) and chrF++ (Popovic, 2017) of a corpus as sacreBLEU computes them: with P and R the
/// means of precision and recall over the n-gram orders that both sides have,
///   chrF = 100 (1 + beta^2) P R / (beta^2 P + R).
/// Each segment counts with the reference that gives it the highest score. One segment gives the score of a
/// sentence. Characters are code points of UTF-8. Throws Error when the counts differ, a segment has no
/// reference, there is no segment, text is not UTF-8, or an option is out of range.
ChrfScore corpus_chrf(std::span<const std::string> hypotheses,
                      std::span<const std::vector<std::string>> references, const ChrfOptions& options = {});

}  // namespace attend::metric
