#include "attend/metric/detection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "attend/base/error.h"
#include "attend/base/parallel.h"

namespace attend::metric {
namespace {

using data::AnnotatedBox, data::Box, data::DetectedBox;
using Expected = std::span<const std::vector<AnnotatedBox>>;
using Predicted = std::span<const std::vector<DetectedBox>>;

constexpr std::size_t kThresholds = 10, kRecalls = 101, kAreas = 4, kCutoffs = 3;
constexpr std::array<std::size_t, kCutoffs> kMostBoxes = {1, 10, 100};
constexpr double kUnknown = -1;

struct AreaRange {
  double least, most;
};
constexpr std::array<AreaRange, kAreas> kAreaRanges = {
    {{0, 1e10}, {0, 32.0 * 32.0}, {32.0 * 32.0, 96.0 * 96.0}, {96.0 * 96.0, 1e10}}};

/// As numpy.linspace rounds them, so that an IoU or a recall that equals a limit falls on the same side.
template <std::size_t Count>
std::array<double, Count> evenly_spaced(double first, double last) {
  std::array<double, Count> values;
  const double step = (last - first) / static_cast<double>(Count - 1);
  for (std::size_t i = 0; i < Count; ++i) values[i] = static_cast<double>(i) * step + first;
  values.back() = last;
  return values;
}

struct Object {
  const AnnotatedBox* annotation;
  double area;
};

/// One picture's objects and found boxes of one class.
struct Case {
  std::vector<Object> objects;
  std::vector<const DetectedBox*> found = {};  // the most sure first
  std::vector<double> overlaps = {};           // [found, objects]
};

/// What became of one found box, at each threshold.
struct Outcome {
  double score = 0;
  std::array<bool, kThresholds> right = {}, left_out = {};
};

struct Outcomes {
  std::vector<std::vector<Outcome>> pictures;
  std::int64_t expected = 0;
};

/// The intersection over union; for a crowd, over the found box alone.
double overlap(const Box& found, const AnnotatedBox& object) {
  const double shared = data::shared_area(found, object.box), own = data::area_of(found);
  return shared / (object.crowd ? own : own + data::area_of(object.box) - shared);
}

std::vector<Case> cases_of(Expected expected, Predicted predicted, std::int64_t label) {
  std::vector<Case> cases;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    Case picture;
    for (const AnnotatedBox& object : expected[i])
      if (object.box.label == label)
        picture.objects.push_back({&object, object.area.value_or(data::area_of(object.box))});
    for (const DetectedBox& found : predicted[i])
      if (found.box.label == label) picture.found.push_back(&found);
    if (picture.objects.empty() && picture.found.empty()) continue;
    std::stable_sort(picture.found.begin(), picture.found.end(),
                     [](const DetectedBox* a, const DetectedBox* b) { return a->score > b->score; });
    picture.found.resize(std::min(picture.found.size(), kMostBoxes.back()));
    for (const DetectedBox* found : picture.found)
      for (const Object& object : picture.objects)
        picture.overlaps.push_back(overlap(found->box, *object.annotation));
    cases.push_back(std::move(picture));
  }
  return cases;
}

/// Objects of one area range: those that are asked for, and behind them those that may be found.
struct Targets {
  std::vector<std::size_t> objects;
  std::size_t asked = 0;
};

bool is_outside(double area, const AreaRange& range) {
  return area < range.least || area > range.most;
}

Targets targets_of(const Case& picture, const AreaRange& range) {
  Targets targets;
  targets.objects.resize(picture.objects.size());
  std::iota(targets.objects.begin(), targets.objects.end(), std::size_t{0});
  const auto others =
      std::stable_partition(targets.objects.begin(), targets.objects.end(), [&](std::size_t i) {
        const Object& object = picture.objects[i];
        return !object.annotation->crowd && !object.annotation->difficult && !is_outside(object.area, range);
      });
  targets.asked = static_cast<std::size_t>(others - targets.objects.begin());
  return targets;
}

void match(const Case& picture, const Targets& targets, const AreaRange& range, std::size_t threshold,
           double least_overlap, std::vector<Outcome>& outcomes) {
  const std::size_t none = targets.objects.size();
  std::vector<bool> taken(none, false);
  for (std::size_t i = 0; i < picture.found.size(); ++i) {
    double best = std::min(least_overlap, 1 - 1e-10);
    std::size_t chosen = none;
    for (std::size_t j = 0; j < none; ++j) {
      const std::size_t object = targets.objects[j];
      if (taken[j] && !picture.objects[object].annotation->crowd) continue;
      // What is asked for goes before what is not, however well the latter fits.
      if (chosen < targets.asked && j >= targets.asked) break;
      const double value = picture.overlaps[i * none + object];
      if (value < best) continue;
      best = value;
      chosen = j;
    }
    Outcome& outcome = outcomes[i];
    if (chosen == none) {
      outcome.left_out[threshold] = is_outside(data::area_of(picture.found[i]->box), range);
    } else {
      taken[chosen] = true;
      outcome.right[threshold] = chosen < targets.asked;
      outcome.left_out[threshold] = chosen >= targets.asked;
    }
  }
}

Outcomes outcomes_of(const std::vector<Case>& cases, const AreaRange& range) {
  static const auto thresholds = evenly_spaced<kThresholds>(0.5, 0.95);
  Outcomes result;
  for (const Case& picture : cases) {
    const Targets targets = targets_of(picture, range);
    result.expected += static_cast<std::int64_t>(targets.asked);
    std::vector<Outcome>& outcomes = result.pictures.emplace_back(picture.found.size());
    for (std::size_t i = 0; i < outcomes.size(); ++i) outcomes[i].score = picture.found[i]->score;
    for (std::size_t t = 0; t < kThresholds; ++t) match(picture, targets, range, t, thresholds[t], outcomes);
  }
  return result;
}

/// The outcomes of the first `most` boxes of each picture, the most sure first.
std::vector<const Outcome*> ranked(const Outcomes& outcomes, std::size_t most) {
  std::vector<const Outcome*> all;
  for (const std::vector<Outcome>& picture : outcomes.pictures)
    for (std::size_t i = 0; i < std::min(picture.size(), most); ++i) all.push_back(&picture[i]);
  std::stable_sort(all.begin(), all.end(),
                   [](const Outcome* a, const Outcome* b) { return a->score > b->score; });
  return all;
}

struct Curve {
  double average_precision = 0, recall = 0;
};

Curve curve_of(const std::vector<const Outcome*>& order, std::size_t threshold, std::int64_t expected) {
  static const auto recalls = evenly_spaced<kRecalls>(0, 1);
  std::vector<double> recall, precision;
  double right = 0, wrong = 0;
  for (const Outcome* outcome : order) {
    if (!outcome->left_out[threshold]) (outcome->right[threshold] ? right : wrong) += 1;
    recall.push_back(right / static_cast<double>(expected));
    precision.push_back(right / (wrong + right + std::numeric_limits<double>::epsilon()));
  }
  for (std::size_t i = precision.size(); i-- > 1;)
    precision[i - 1] = std::max(precision[i - 1], precision[i]);
  Curve curve;
  for (const double wanted : recalls) {
    const auto place = std::lower_bound(recall.begin(), recall.end(), wanted) - recall.begin();
    if (place < std::ssize(precision)) curve.average_precision += precision[static_cast<std::size_t>(place)];
  }
  curve.average_precision /= static_cast<double>(kRecalls);
  curve.recall = recall.empty() ? 0 : recall.back();
  return curve;
}

/// Of one class, -1 where nothing is expected.
struct ClassCurves {
  /// By area and threshold.
  std::array<std::array<double, kThresholds>, kAreas> precision;
  /// By cutoff and threshold, of any area; and by area and threshold, of the last cutoff.
  std::array<std::array<double, kThresholds>, kCutoffs> recall;
  std::array<std::array<double, kThresholds>, kAreas> recall_by_area;
};

ClassCurves curves_of(const std::vector<Case>& cases) {
  ClassCurves curves;
  for (auto* part : {&curves.precision, &curves.recall_by_area})
    for (auto& values : *part) values.fill(kUnknown);
  for (auto& values : curves.recall) values.fill(kUnknown);
  for (std::size_t area = 0; area < kAreas; ++area) {
    const Outcomes outcomes = outcomes_of(cases, kAreaRanges[area]);
    if (outcomes.expected == 0) continue;
    for (std::size_t cutoff = area == 0 ? 0 : kCutoffs - 1; cutoff < kCutoffs; ++cutoff) {
      const auto order = ranked(outcomes, kMostBoxes[cutoff]);
      for (std::size_t t = 0; t < kThresholds; ++t) {
        const Curve curve = curve_of(order, t, outcomes.expected);
        if (area == 0) curves.recall[cutoff][t] = curve.recall;
        if (cutoff + 1 == kCutoffs) {
          curves.precision[area][t] = curve.average_precision;
          curves.recall_by_area[area][t] = curve.recall;
        }
      }
    }
  }
  return curves;
}

/// The mean of the values that are known.
class Mean {
 public:
  void add(double value) {
    if (value == kUnknown) return;
    sum_ += value;
    ++count_;
  }
  void add(const std::array<double, kThresholds>& values) {
    for (const double value : values) add(value);
  }
  double value() const { return count_ == 0 ? kUnknown : sum_ / static_cast<double>(count_); }

 private:
  double sum_ = 0;
  std::int64_t count_ = 0;
};

template <class Part>
double mean_over(const std::vector<ClassCurves>& classes, const Part& part) {
  Mean mean;
  for (const ClassCurves& curves : classes) mean.add(part(curves));
  return mean.value();
}

void check_box(const Box& box, std::int64_t classes, std::size_t picture) {
  if (box.label < 0 || box.label >= classes)
    throw Error(fmt::format("boxes: picture {} has label {}; expected a class from 0 to {}", picture,
                            box.label, classes - 1));
  if (!data::has_inside(box))
    throw Error(
        fmt::format("boxes: picture {} has one from ({}, {}) to ({}, {}); expected x0 < x1 and y0 < y1",
                    picture, box.x0, box.y0, box.x1, box.y1));
}

void check(Expected expected, Predicted predicted, std::int64_t classes) {
  if (expected.size() != predicted.size())
    throw Error(
        fmt::format("boxes: {} pictures predicted where {} are expected", predicted.size(), expected.size()));
  if (classes < 1) throw Error(fmt::format("boxes of {} classes; at least 1 is needed", classes));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    for (const AnnotatedBox& object : expected[i]) {
      check_box(object.box, classes, i);
      if (object.area && !(*object.area >= 0))
        throw Error(fmt::format("boxes: picture {} has an area of {}; 0 or more is needed", i, *object.area));
    }
    for (const DetectedBox& found : predicted[i]) {
      check_box(found.box, classes, i);
      if (std::isnan(found.score))
        throw Error(fmt::format("boxes: picture {} has a score that is NaN; expected a number", i));
    }
  }
}

}  // namespace

DetectionScore detection_score(Expected expected, Predicted predicted, std::int64_t classes) {
  check(expected, predicted, classes);
  std::vector<ClassCurves> curves(static_cast<std::size_t>(classes));
  parallel_for(classes, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t label = begin; label < end; ++label)
      curves[static_cast<std::size_t>(label)] = curves_of(cases_of(expected, predicted, label));
  });
  // 0.75 is the sixth of the thresholds.
  constexpr std::size_t kAt50 = 0, kAt75 = 5;
  const auto precision = [&](std::size_t area) {
    return mean_over(curves, [=](const ClassCurves& c) { return c.precision[area]; });
  };
  const auto precision_at = [&](std::size_t threshold) {
    return mean_over(curves, [=](const ClassCurves& c) { return c.precision[0][threshold]; });
  };
  const auto recall = [&](std::size_t cutoff) {
    return mean_over(curves, [=](const ClassCurves& c) { return c.recall[cutoff]; });
  };
  const auto recall_of = [&](std::size_t area) {
    return mean_over(curves, [=](const ClassCurves& c) { return c.recall_by_area[area]; });
  };
  DetectionScore score{.ap = precision(0),
                       .ap50 = precision_at(kAt50),
                       .ap75 = precision_at(kAt75),
                       .ap_small = precision(1),
                       .ap_medium = precision(2),
                       .ap_large = precision(3),
                       .ar1 = recall(0),
                       .ar10 = recall(1),
                       .ar100 = recall(2),
                       .ar_small = recall_of(1),
                       .ar_medium = recall_of(2),
                       .ar_large = recall_of(3)};
  for (const ClassCurves& c : curves) {
    Mean mean;
    mean.add(c.precision[0]);
    score.ap_by_class.push_back(mean.value());
    score.ap50_by_class.push_back(c.precision[0][kAt50]);
  }
  return score;
}

std::string DetectionScore::text() const {
  std::string result;
  const auto line = [&](bool precision, std::string_view iou, std::string_view area, int most, double value) {
    result += fmt::format(" {:<18} {} @[ IoU={:<9} | area={:>6} | maxDets={:>3} ] = {:0.3f}\n",
                          precision ? "Average Precision" : "Average Recall", precision ? "(AP)" : "(AR)",
                          iou, area, most, value);
  };
  constexpr std::string_view kAll = "0.50:0.95";
  line(true, kAll, "all", 100, ap);
  line(true, "0.50", "all", 100, ap50);
  line(true, "0.75", "all", 100, ap75);
  line(true, kAll, "small", 100, ap_small);
  line(true, kAll, "medium", 100, ap_medium);
  line(true, kAll, "large", 100, ap_large);
  line(false, kAll, "all", 1, ar1);
  line(false, kAll, "all", 10, ar10);
  line(false, kAll, "all", 100, ar100);
  line(false, kAll, "small", 100, ar_small);
  line(false, kAll, "medium", 100, ar_medium);
  line(false, kAll, "large", 100, ar_large);
  return result;
}

}  // namespace attend::metric
