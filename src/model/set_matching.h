#pragma once

#include <cstdint>
#include <vector>

#include "attend/op/assignment.h"
#include "attend/tensor/tensor.h"

namespace attend::model {

/// What a detection transformer's losses weigh.
inline constexpr double kClassWeight = 2, kBoxWeight = 5, kGiouWeight = 2;

/// Pairs the queries of a picture with its objects so that the sum of kClassWeight (1 - p(label)) +
/// kBoxWeight L1 - kGiouWeight GIoU is smallest. logits [N, classes + 1]; boxes [N, 4] and objects [M, 4] as
/// centres and sides, all of one dtype; labels: M classes. Rows of the result are queries.
op::Assignment match_queries(const Tensor& logits, const Tensor& boxes, const Tensor& objects,
                             const std::vector<std::int64_t>& labels);

}  // namespace attend::model
