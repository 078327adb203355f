#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attend/metric/precision_recall.h"

namespace attend::metric {

struct ClassScore {
  PrecisionRecall score;
  /// Items that are of the class, and that are said to be.
  std::int64_t expected = 0, predicted = 0;
};

struct ClassificationScore {
  /// The share of items whose class is right, which is the micro-averaged F1 too.
  double accuracy = 0;
  /// The means over the classes that occur on either side (as scikit-learn has it without a list of labels).
  PrecisionRecall macro;
  std::vector<ClassScore> by_class;
  /// confusion[e][p]: items of class e that are said to be p.
  std::vector<std::vector<std::int64_t>> confusion;
};

/// Scores of one class for each item; classes are numbers from 0 below `classes`. Throws Error when the
/// counts differ, there is no item, or a number is out of range.
ClassificationScore classification_score(std::span<const std::int64_t> expected,
                                         std::span<const std::int64_t> predicted, std::int64_t classes);

struct MultilabelScore {
  /// The share of items of which all labels are right.
  double exact = 0;
  /// Over all decisions, and the means over all classes.
  PrecisionRecall micro, macro;
  std::vector<ClassScore> by_class;
};

/// Scores of any number of different labels for each item. Throws as above, and when a label stands twice.
MultilabelScore multilabel_score(std::span<const std::vector<std::int64_t>> expected,
                                 std::span<const std::vector<std::int64_t>> predicted, std::int64_t classes);

struct CalibrationBin {
  std::int64_t count = 0;
  /// Means over the items of the bin; 0 when there is none.
  double confidence = 0, accuracy = 0;
};

struct Calibration {
  /// Expected calibration error: sum over bins of (count / n) |accuracy - confidence|.
  double error = 0;
  /// Bin b holds the confidences above b / bins up to (b + 1) / bins; 0 is in the first.
  std::vector<CalibrationBin> bins;
};

/// How well confidence foretells being right (Guo et al., 2017). `confidence[i]` is the probability that was
/// given to the predicted class, `correct[i]` whether it is the right one. Throws Error when the counts
/// differ, there is no item, a confidence is not in [0, 1] (1e-6 of rounding is allowed), or `bins` is not 1
/// to 10,000.
Calibration calibration(std::span<const double> confidence, const std::vector<bool>& correct,
                        std::int64_t bins = 15);

}  // namespace attend::metric
