#include "attend/metric/classification.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/base/error.h"

namespace attend::metric {
namespace {

void check_counts(std::size_t expected, std::size_t predicted, std::int64_t classes) {
  if (classes < 1) throw Error(fmt::format("classification: {} classes; at least one is needed", classes));
  if (expected != predicted)
    throw Error(fmt::format("classification: {} items predicted where {} are expected", predicted, expected));
  if (expected == 0) throw Error("classification: no items; at least one is needed");
}

std::size_t checked(std::int64_t label, std::int64_t classes, const char* side, std::size_t item) {
  if (label < 0 || label >= classes)
    throw Error(fmt::format("classification: item {} has the {} class {}; classes are 0 to {}", item + 1,
                            side, label, classes - 1));
  return static_cast<std::size_t>(label);
}

/// Which classes an item has.
std::vector<bool> checked_set(const std::vector<std::int64_t>& labels, std::int64_t classes, const char* side,
                              std::size_t item) {
  std::vector<bool> result(static_cast<std::size_t>(classes), false);
  for (std::int64_t label : labels) {
    const std::size_t i = checked(label, classes, side, item);
    if (result[i])
      throw Error(fmt::format("classification: item {} has the {} class {} twice", item + 1, side, label));
    result[i] = true;
  }
  return result;
}

class Mean {
 public:
  void add(const PrecisionRecall& score) {
    sum_.precision += score.precision;
    sum_.recall += score.recall;
    sum_.f1 += score.f1;
    ++count_;
  }
  PrecisionRecall value() const { return {sum_.precision / count_, sum_.recall / count_, sum_.f1 / count_}; }

 private:
  PrecisionRecall sum_;
  double count_ = 0;
};

}  // namespace

ClassificationScore classification_score(std::span<const std::int64_t> expected,
                                         std::span<const std::int64_t> predicted, std::int64_t classes) {
  check_counts(expected.size(), predicted.size(), classes);
  const auto count = static_cast<std::size_t>(classes);
  ClassificationScore result;
  result.by_class.resize(count);
  result.confusion.assign(count, std::vector<std::int64_t>(count, 0));
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::size_t e = checked(expected[i], classes, "expected", i);
    const std::size_t p = checked(predicted[i], classes, "predicted", i);
    ++result.confusion[e][p];
    ++result.by_class[e].expected;
    ++result.by_class[p].predicted;
    if (e == p) ++correct;
  }
  result.accuracy = static_cast<double>(correct) / static_cast<double>(expected.size());
  Mean macro;
  for (std::size_t c = 0; c < count; ++c) {
    ClassScore& entry = result.by_class[c];
    if (entry.expected + entry.predicted == 0) continue;
    entry.score = precision_recall(result.confusion[c][c], entry.predicted, entry.expected);
    macro.add(entry.score);
  }
  result.macro = macro.value();
  return result;
}

MultilabelScore multilabel_score(std::span<const std::vector<std::int64_t>> expected,
                                 std::span<const std::vector<std::int64_t>> predicted, std::int64_t classes) {
  check_counts(expected.size(), predicted.size(), classes);
  const auto count = static_cast<std::size_t>(classes);
  MultilabelScore result;
  result.by_class.resize(count);
  std::vector<std::int64_t> correct(count, 0);
  std::int64_t exact = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::vector<bool> e = checked_set(expected[i], classes, "expected", i);
    const std::vector<bool> p = checked_set(predicted[i], classes, "predicted", i);
    for (std::size_t c = 0; c < count; ++c) {
      if (e[c]) ++result.by_class[c].expected;
      if (p[c]) ++result.by_class[c].predicted;
      if (e[c] && p[c]) ++correct[c];
    }
    if (e == p) ++exact;
  }
  result.exact = static_cast<double>(exact) / static_cast<double>(expected.size());
  Mean macro;
  ClassScore all;
  std::int64_t all_correct = 0;
  for (std::size_t c = 0; c < count; ++c) {
    ClassScore& entry = result.by_class[c];
    entry.score = precision_recall(correct[c], entry.predicted, entry.expected);
    macro.add(entry.score);
    all.expected += entry.expected;
    all.predicted += entry.predicted;
    all_correct += correct[c];
  }
  result.macro = macro.value();
  result.micro = precision_recall(all_correct, all.predicted, all.expected);
  return result;
}

Calibration calibration(std::span<const double> confidence, const std::vector<bool>& correct,
                        std::int64_t bins) {
  if (confidence.size() != correct.size())
    throw Error(fmt::format("calibration: {} confidences for {} items; there must be one for each",
                            confidence.size(), correct.size()));
  if (confidence.empty()) throw Error("calibration: no items; at least one is needed");
  if (bins < 1 || bins > 10000)
    throw Error(fmt::format("calibration: {} bins; there must be 1 to 10000", bins));
  std::vector<double> ends;
  for (std::int64_t b = 1; b <= bins; ++b) ends.push_back(static_cast<double>(b) / static_cast<double>(bins));
  Calibration result;
  result.bins.resize(ends.size());
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    const double c = confidence[i];
    constexpr double rounding = 1e-6;
    if (!(c >= -rounding && c <= 1 + rounding))
      throw Error(
          fmt::format("calibration: the confidence of item {} is {}; it must be in [0, 1]", i + 1, c));
    const auto end = std::lower_bound(ends.begin(), ends.end(), std::min(c, 1.0));
    CalibrationBin& bin = result.bins[static_cast<std::size_t>(end - ends.begin())];
    ++bin.count;
    bin.confidence += c;
    if (correct[i]) bin.accuracy += 1;
  }
  for (CalibrationBin& bin : result.bins) {
    if (bin.count == 0) continue;
    const auto count = static_cast<double>(bin.count);
    bin.confidence /= count;
    bin.accuracy /= count;
    result.error += count / static_cast<double>(confidence.size()) * std::abs(bin.accuracy - bin.confidence);
  }
  return result;
}

}  // namespace attend::metric
