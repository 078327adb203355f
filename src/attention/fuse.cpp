#include "attend/attention/fuse.h"

#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "attention/learned.h"
#include "attention/steps.h"

namespace attend::attention {

Tensor heads_fused(const Tensor& answer, const AttentionSpec& spec, const Run& run) {
  const Fuse& fuse = spec.fuse;
  if (fuse.kind == Fuse::Kind::concatenate && !fuse.gate) return answer;
  const std::int64_t heads = answer.dim(2);
  // Sums over heads of bf16 answers are taken in f32.
  const DType dtype = answer.dtype() == DType::f64 ? DType::f64 : DType::f32;
  Tensor result = op::cast(answer, dtype);
  if (fuse.gate) {
    const Tensor gate = learned(run.parameters.gate, "gate", {answer.dim(0), answer.dim(1), heads}, dtype);
    result = op::multiply(result, op::reshape(gate, {answer.dim(0), answer.dim(1), heads, 1}));
  }
  const op::ReduceOptions over_heads = {.axes = {2}, .keep_axes = true};
  if (fuse.kind == Fuse::Kind::mean) result = op::mean(result, over_heads);
  if (fuse.kind == Fuse::Kind::pool) {
    const Tensor share = op::softmax(learned(run.parameters.pool_logits, "pool_logits", {heads}, dtype));
    result = op::sum(op::multiply(result, op::reshape(share, {1, 1, heads, 1})), over_heads);
  }
  return op::cast(result, answer.dtype());
}

}  // namespace attend::attention
