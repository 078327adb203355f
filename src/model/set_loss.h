#pragma once

#include <cstdint>
#include <vector>

#include "attend/op/assignment.h"
#include "attend/tensor/tensor.h"
#include "model/detection.h"

/// The loss of a set of predictions (Carion et al., "End-to-End Object Detection with Transformers", 2020).
/// Boxes are centres and sides in parts of the picture.
namespace attend::model {

/// What the parts of the loss weigh.
inline constexpr double kClassWeight = 2, kBoxWeight = 5, kGiouWeight = 2;

/// Pairs the queries of a picture with its objects so that the sum of kClassWeight (1 - p(label)) +
/// kBoxWeight L1 - kGiouWeight GIoU is smallest. logits [N, classes + 1]; boxes [N, 4] and objects [M, 4],
/// all of one dtype; labels: M classes. Rows of the result are queries.
op::Assignment match_queries(const Tensor& logits, const Tensor& boxes, const Tensor& objects,
                             const std::vector<std::int64_t>& labels);

/// The objects of a picture.
struct SetObjects {
  Tensor boxes;  ///< [M, 4]; undefined without any
  std::vector<std::int64_t> labels;
};
std::vector<SetObjects> set_objects(const DetectionTargets& targets, std::int64_t height, std::int64_t width,
                                    DType dtype);

struct SetLossOptions {
  std::int64_t queries = 1;  ///< of a group; each group of a picture is paired by itself
  double no_object_weight = 0.1;
};

/// Adds "class", the weighted mean of cross entropies, and "box" and "giou", means over all pairs. logits:
/// [batch, groups queries, classes + 1]; boxes: [batch, groups queries, 4].
void add_set_loss(DetectionLossSum& sum, const Tensor& logits, const Tensor& boxes,
                  const std::vector<SetObjects>& objects, const SetLossOptions& options);

}  // namespace attend::model
