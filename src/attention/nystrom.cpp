// Xiong et al., "Nystromformer: A Nystrom-Based Algorithm for Approximating Self-Attention", 2021:
// softmax(q k'^T) A^+ softmax(q' k^T) v with A = softmax(q' k'^T), for landmarks q' and k'.

#include <algorithm>
#include <vector>

#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "attention/linear.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

// [segments, length]: row s has 1 / n at the n places of segment s. Lengths of segments differ by one at
// most.
Tensor segment_means(std::int64_t segments, std::int64_t length, DType dtype) {
  std::vector<double> means(static_cast<std::size_t>(segments * length), 0.0);
  for (std::int64_t s = 0; s < segments; ++s) {
    const std::int64_t begin = s * length / segments, end = (s + 1) * length / segments;
    for (std::int64_t j = begin; j < end; ++j)
      means[static_cast<std::size_t>(s * length + j)] = 1.0 / static_cast<double>(end - begin);
  }
  return op::cast(Tensor::from(means, {segments, length}), dtype);
}

// number I - x.
Tensor identity_minus(double number, const Tensor& x) {
  std::vector<double> diagonal(static_cast<std::size_t>(x.dim(-1) * x.dim(-1)), 0.0);
  for (std::size_t i = 0; i < diagonal.size(); i += static_cast<std::size_t>(x.dim(-1)) + 1)
    diagonal[i] = number;
  return op::subtract(op::cast(Tensor::from(diagonal, {x.dim(-1), x.dim(-1)}), x.dtype()), x);
}

// The iteration of third order of Razavi et al. 2014 from A^T / (|A|_1 |A|_inf), as in section 3.3 of the
// paper. A has no negative elements, so sums are norms.
Tensor pseudo_inverse(const Tensor& a, std::int64_t iterations) {
  const auto norm = [&](int summed) {
    return op::maximum(op::sum(a, {.axes = {summed}, .keep_axes = true}),
                       {.axes = {-2, -1}, .keep_axes = true});
  };
  Tensor z = op::divide(op::transpose(a), op::multiply(norm(-2), norm(-1)));
  for (std::int64_t i = 0; i < iterations; ++i) {
    const Tensor az = op::matmul(a, z);
    const Tensor inner = op::matmul(az, identity_minus(15, op::matmul(az, identity_minus(7, az))));
    z = op::scale(op::matmul(z, identity_minus(13, inner)), 0.25);
  }
  return z;
}

}  // namespace

Tensor nystrom(const LinearInputs& inputs, const AttentionSpec& spec, std::int64_t landmark_queries,
               bool by_definition) {
  const std::int64_t heads = inputs.query.dim(1);
  const Tensor query = op::scale(inputs.query, score_scale(spec, inputs.query.dim(3)));
  const Tensor key = repeated_heads(inputs.key, heads), value = repeated_heads(inputs.value, heads);
  const auto landmarks = [&](const Tensor& x, std::int64_t length) {
    const Tensor means = segment_means(std::min(spec.gather.features, length), length, x.dtype());
    return op::matmul(means, op::slice(x, 2, 0, length));
  };
  const Tensor few_queries = landmarks(query, landmark_queries), few_keys = landmarks(key, key.dim(2));
  const auto softmax = [](const Tensor& q, const Tensor& k) {
    return op::softmax(op::matmul(q, op::transpose(k)));
  };
  const Tensor to_landmarks = softmax(query, few_keys), from_landmarks = softmax(few_queries, key);
  const Tensor inverse = pseudo_inverse(softmax(few_queries, few_keys), spec.gather.iterations);
  if (by_definition) return op::matmul(op::matmul(op::matmul(to_landmarks, inverse), from_landmarks), value);
  return op::matmul(to_landmarks, op::matmul(inverse, op::matmul(from_landmarks, value)));
}

}  // namespace attend::attention
