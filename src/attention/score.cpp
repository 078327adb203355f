#include "attend/attention/score.h"

#include <cmath>

#include "attend/base/error.h"
#include "attend/op/activation.h"
#include "attend/op/arithmetic.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attention/steps.h"

namespace attend::attention {

double score_scale(const AttentionSpec& spec, std::int64_t dim) {
  return spec.score.scale != 0 ? spec.score.scale : 1 / std::sqrt(static_cast<double>(dim));
}

Tensor scores_of(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run&) {
  if (spec.score.kind != Score::Kind::dot) throw Error("this score is not built");
  const Tensor scores = op::scale(op::matmul(query, op::transpose(key)), score_scale(spec, query.dim(3)));
  if (!(spec.score.soft_cap > 0)) return scores;
  return op::scale(op::activate(op::scale(scores, 1 / spec.score.soft_cap), Activation::tanh),
                   spec.score.soft_cap);
}

}  // namespace attend::attention
