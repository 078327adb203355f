#include "model/set_loss.h"

#include <cmath>
#include <utility>

#include "attend/autograd/tape.h"
#include "attend/op/boxes.h"
#include "attend/op/cast.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/operators.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "model/box_coding.h"

namespace attend::model {

op::Assignment match_queries(const Tensor& logits, const Tensor& boxes, const Tensor& objects,
                             const std::vector<std::int64_t>& labels) {
  const autograd::NoGrad no_grad;
  const std::vector<double> probabilities = op::softmax(logits).to_vector<double>(),
                            said = boxes.to_vector<double>(), wanted = objects.to_vector<double>(),
                            giou = op::box_giou(corners_of(boxes), corners_of(objects)).to_vector<double>();
  const auto queries = static_cast<std::size_t>(boxes.dim(0)), count = labels.size(),
             classes = static_cast<std::size_t>(logits.dim(1));
  std::vector<double> costs;
  costs.reserve(queries * count);
  for (std::size_t i = 0; i < queries; ++i)
    for (std::size_t j = 0; j < count; ++j) {
      double distance = 0;
      for (std::size_t k = 0; k < 4; ++k) distance += std::abs(said[4 * i + k] - wanted[4 * j + k]);
      const double p = probabilities[i * classes + static_cast<std::size_t>(labels[j])];
      costs.push_back(kClassWeight * (1 - p) + kBoxWeight * distance - kGiouWeight * giou[i * count + j]);
    }
  return op::assign(Tensor::from(costs, {boxes.dim(0), objects.dim(0)}));
}

namespace {

// Who finds what, of all pictures and groups of a layer.
struct Pairs {
  std::vector<std::int64_t> rows;     // of [batch groups queries]
  autograd::Tensors boxes;            // those of their objects, [pairs, 4] each
  std::vector<std::int64_t> classes;  // of every row
};

Pairs pairs_of(const Tensor& all_logits, const Tensor& all_boxes, const std::vector<SetObjects>& objects,
               std::int64_t queries) {
  const autograd::NoGrad no_grad;
  const std::int64_t rows = all_logits.dim(0) * all_logits.dim(1), groups = all_logits.dim(1) / queries,
                     classes = all_logits.dim(2);
  const Tensor logits = op::reshape(all_logits.detach(), {rows, classes}),
               boxes = op::reshape(all_boxes.detach(), {rows, 4});
  Pairs pairs;
  pairs.classes.assign(static_cast<std::size_t>(rows), classes - 1);
  for (std::int64_t set = 0; set < rows / queries; ++set) {
    const SetObjects& wanted = objects[static_cast<std::size_t>(set / groups)];
    if (wanted.labels.empty()) continue;
    const std::int64_t first = set * queries;
    const op::Assignment best =
        match_queries(op::slice(logits, 0, first, first + queries),
                      op::slice(boxes, 0, first, first + queries), wanted.boxes, wanted.labels);
    const std::vector<std::int64_t> of_queries = best.rows.to_vector<std::int64_t>(),
                                    of_objects = best.columns.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < of_queries.size(); ++i) {
      pairs.rows.push_back(first + of_queries[i]);
      pairs.classes[static_cast<std::size_t>(first + of_queries[i])] =
          wanted.labels[static_cast<std::size_t>(of_objects[i])];
    }
    pairs.boxes.push_back(rows_of(wanted.boxes, of_objects));
  }
  return pairs;
}

Tensor class_loss(const Tensor& logits, const std::vector<std::int64_t>& classes, double no_object_weight) {
  const auto rows = static_cast<std::int64_t>(classes.size());
  std::vector<double> weights;
  double total = 0;
  for (const std::int64_t label : classes) {
    weights.push_back(label == logits.dim(-1) - 1 ? no_object_weight : 1);
    total += weights.back();
  }
  const Tensor losses = op::cross_entropy(op::reshape(logits, {rows, logits.dim(-1)}),
                                          Tensor::from(classes, {rows}), {.reduction = op::Reduction::none});
  return op::sum(losses * op::cast(Tensor::from(weights, {rows}), losses.dtype())) * (1 / total);
}

}  // namespace

std::vector<SetObjects> set_objects(const DetectionTargets& targets, std::int64_t height, std::int64_t width,
                                    DType dtype) {
  const auto w = static_cast<double>(width), h = static_cast<double>(height);
  const Tensor size = op::cast(Tensor::from(std::vector<double>{w, h, w, h}, {1, 4}), dtype);
  std::vector<SetObjects> result;
  for (const std::vector<data::Box>& boxes : targets) {
    SetObjects objects;
    for (const data::Box& box : boxes) objects.labels.push_back(box.label);
    if (!boxes.empty()) objects.boxes = centres_of(box_tensor(boxes, dtype) / size);
    result.push_back(std::move(objects));
  }
  return result;
}

void add_set_loss(DetectionLossSum& sum, const Tensor& logits, const Tensor& boxes,
                  const std::vector<SetObjects>& objects, const SetLossOptions& options) {
  const Pairs pairs = pairs_of(logits, boxes, objects, options.queries);
  sum.add("class", kClassWeight * class_loss(logits, pairs.classes, options.no_object_weight));
  if (pairs.rows.empty()) {
    sum.add("box", Tensor::zeros({}, boxes.dtype()));
    sum.add("giou", Tensor::zeros({}, boxes.dtype()));
    return;
  }
  const Tensor said = rows_of(op::reshape(boxes, {boxes.dim(0) * boxes.dim(1), 4}), pairs.rows),
               wanted = op::concatenate(pairs.boxes, 0);
  const double share = 1 / static_cast<double>(pairs.rows.size());
  sum.add("box", op::sum(op::absolute(said - wanted)) * (kBoxWeight * share));
  sum.add("giou", op::giou_loss(corners_of(said), corners_of(wanted)) * kGiouWeight);
}

}  // namespace attend::model
