#include "model/detection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attend/base/error.h"
#include "attend/op/boxes.h"
#include "attend/op/cast.h"
#include "attend/op/gather.h"
#include "attend/op/operators.h"
#include "attend/op/reduce.h"

namespace attend::model {

namespace {

data::Box clipped(const data::Box& box, std::int64_t height, std::int64_t width) {
  const auto w = static_cast<float>(width), h = static_cast<float>(height);
  return {std::clamp(box.x0, 0.0f, w), std::clamp(box.y0, 0.0f, h), std::clamp(box.x1, 0.0f, w),
          std::clamp(box.y1, 0.0f, h), box.label};
}

// Of one class, in the order of their scores.
std::vector<data::DetectedBox> without_overlaps(const std::vector<data::DetectedBox>& candidates,
                                                double threshold) {
  std::vector<data::Box> boxes;
  std::vector<double> scores;
  for (const data::DetectedBox& detection : candidates) {
    boxes.push_back(detection.box);
    scores.push_back(detection.score);
  }
  const auto count = static_cast<std::int64_t>(scores.size());
  std::vector<data::DetectedBox> kept;
  for (const std::int64_t i : op::nms(box_tensor(boxes, DType::f32), Tensor::from(scores, {count}), threshold)
                                  .to_vector<std::int64_t>())
    kept.push_back(candidates[static_cast<std::size_t>(i)]);
  return kept;
}

}  // namespace

void check_pictures(const Tensor& pictures, std::int64_t channels) {
  if (!pictures.defined() || !is_floating(pictures.dtype()) || pictures.rank() != 4 ||
      pictures.dim(3) != channels || pictures.elements() == 0)
    throw Error(fmt::format("pictures {}: f32 [batch, height, width, {}] needed",
                            pictures.defined() ? pictures.text() : "undefined", channels));
}

void check_targets(const DetectionTargets& targets, const Tensor& pictures, std::int64_t classes) {
  if (static_cast<std::int64_t>(targets.size()) != pictures.dim(0))
    throw Error(fmt::format("boxes of {} pictures beside {} pictures", targets.size(), pictures.dim(0)));
  for (std::size_t picture = 0; picture < targets.size(); ++picture)
    for (const data::Box& box : targets[picture]) {
      if (!data::has_inside(box))
        throw Error(
            fmt::format("picture {} of the batch has a box from ({}, {}) to ({}, {}): one with an inside "
                        "needed",
                        picture, box.x0, box.y0, box.x1, box.y1));
      if (box.label < 0 || box.label >= classes)
        throw Error(fmt::format("picture {} of the batch has a box of class {}: 0 to {} needed", picture,
                                box.label, classes - 1));
    }
}

void check(const DetectOptions& options) {
  const auto is_share = [](double value) { return value >= 0 && value <= 1; };
  if (!is_share(options.score_threshold) || !is_share(options.nms_threshold) || options.most < 1)
    throw Error(
        fmt::format("score threshold {}, NMS threshold {}, {} detections: numbers from 0 to 1 and at "
                    "least 1 detection needed",
                    options.score_threshold, options.nms_threshold, options.most));
}

RandomStream sampling_stream(const nn::Run& run) {
  return run.random == nullptr ? RandomStream{} : run.random->next();
}

Tensor box_tensor(const std::vector<data::Box>& boxes, DType dtype) {
  std::vector<float> corners;
  corners.reserve(4 * boxes.size());
  for (const data::Box& box : boxes) corners.insert(corners.end(), {box.x0, box.y0, box.x1, box.y1});
  return op::cast(Tensor::from(corners, {static_cast<std::int64_t>(boxes.size()), 4}), dtype);
}

void DetectionLossSum::add(const std::string& name, const Tensor& value) {
  loss_.total = loss_.total.defined() ? loss_.total + value : value;
  const auto part = std::find_if(loss_.parts.begin(), loss_.parts.end(),
                                 [&](const DetectionLossPart& known) { return known.name == name; });
  if (part == loss_.parts.end())
    loss_.parts.push_back({name, value.item()});
  else
    part->value += value.item();
}

std::vector<data::DetectedBox> kept_detections(std::vector<data::DetectedBox> candidates, std::int64_t height,
                                               std::int64_t width, const DetectOptions& options) {
  std::vector<data::DetectedBox> inside;
  std::int64_t classes = 0;
  for (data::DetectedBox& candidate : candidates) {
    candidate.box = clipped(candidate.box, height, width);
    if (!(candidate.score >= options.score_threshold) || !data::has_inside(candidate.box)) continue;
    inside.push_back(candidate);
    classes = std::max(classes, candidate.box.label + 1);
  }
  std::vector<std::vector<data::DetectedBox>> of_class(static_cast<std::size_t>(classes));
  for (const data::DetectedBox& candidate : inside)
    of_class[static_cast<std::size_t>(candidate.box.label)].push_back(candidate);
  std::vector<data::DetectedBox> kept;
  for (const std::vector<data::DetectedBox>& of_one : of_class) {
    const std::vector<data::DetectedBox> rest = without_overlaps(of_one, options.nms_threshold);
    kept.insert(kept.end(), rest.begin(), rest.end());
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [](const data::DetectedBox& a, const data::DetectedBox& b) { return a.score > b.score; });
  if (static_cast<std::int64_t>(kept.size()) > options.most)
    kept.resize(static_cast<std::size_t>(options.most));
  return kept;
}

Tensor smooth_l1(const Tensor& difference, double beta) {
  const Tensor distance = op::absolute(difference);
  const Tensor inner = op::minimum(distance, Tensor::full({}, beta, distance.dtype()));
  return op::sum(inner * (distance - 0.5 * inner)) * (1 / beta);
}

Tensor rows_of(const Tensor& x, const std::vector<std::int64_t>& rows) {
  Shape shape{static_cast<std::int64_t>(rows.size())};
  while (shape.rank() < x.rank()) shape.append(1);
  return op::gather(x, 0, Tensor::from(rows, shape));
}

}  // namespace attend::model
