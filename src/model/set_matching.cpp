#include "model/set_matching.h"

#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/op/boxes.h"
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

}  // namespace attend::model
