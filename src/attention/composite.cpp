// The definition of attention from plain differentiable operations: what the fused kernels are tested
// against.

#include <cmath>
#include <memory>

#include "attend/attention/attend.h"
#include "attend/autograd/tape.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attention/fused.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

// 1 / (1 - dropout) where a weight is kept and 0 elsewhere, by the rule of backend/cpu/attention_dropout.h.
Tensor dropout_factors(const Shape& shape, double dropout, const RandomStream& random, DType dtype) {
  const std::int64_t queries = shape[2], keys = shape[3];
  const auto threshold = static_cast<std::uint32_t>(std::lround(dropout * 65536));
  std::vector<double> factors(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i);
    const std::int64_t k = place % keys, q = place / keys % queries, head = place / keys / queries;
    const std::uint64_t stream = (random.stream << 20) + static_cast<std::uint64_t>(head);
    const auto words =
        philox<7>({static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(q / 8),
                   static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                  random.seed);
    const std::uint32_t half = (words[static_cast<std::size_t>(q % 8 / 2)] >> (16 * (q % 2))) & 0xffffU;
    factors[i] = half >= threshold ? 1 / (1 - dropout) : 0;
  }
  return op::cast(Tensor::from(factors, shape), dtype);
}

}  // namespace

Tensor by_head(const Tensor& x, std::int64_t heads) {
  const std::int64_t batch = x.dim(0), length = x.dim(1), key_heads = x.dim(2), dim = x.dim(3);
  Tensor repeated = x;
  if (key_heads != heads) {
    const Tensor grouped = op::reshape(x, {batch, length, key_heads, 1, dim});
    repeated = op::reshape(op::expand(grouped, {batch, length, key_heads, heads / key_heads, dim}),
                           {batch, length, heads, dim});
  }
  return op::permute(repeated, {0, 2, 1, 3});
}

namespace {

Tensor composite_weights(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run) {
  const Tensor q = by_head(query, query.dim(2)), k = by_head(key, query.dim(2));
  return weighed(placed(scores_of(q, k, spec, run), q, k, spec, run), spec, run);
}

}  // namespace

Tensor weights(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run) {
  check_operands(query, key, key, spec);
  const autograd::NoGrad no_grad;
  const DType dtype = query.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const Tensor q = op::cast(query, dtype), k = op::cast(key, dtype);
  if (spec.gather.kind == Gather::Kind::weighted_sum) return composite_weights(q, k, spec, run);
  // What is read with the value e_j for key j.
  const std::int64_t keys = key.dim(1);
  const Tensor units = Tensor::zeros({key.dim(0), keys, key.dim(2), keys}, dtype);
  for (std::int64_t j = 0; j < keys; ++j)
    op::slice(op::slice(units, 1, j, j + 1), 3, j, j + 1)
        .copy_from(Tensor::full({key.dim(0), 1, key.dim(2), 1}, 1, dtype));
  return op::contiguous(op::permute(linear_attention(q, k, units, spec, run, true), {0, 2, 1, 3}));
}

Tensor attend_composite(const Tensor& query, const Tensor& key, const Tensor& value,
                        const AttentionSpec& spec, const Run& run) {
  check_operands(query, key, value, spec);
  if (spec.gather.kind != Gather::Kind::weighted_sum) {
    tell_observer(query, key, spec, run);
    return heads_fused(linear_attention(query, key, value, spec, run, true), spec, run);
  }
  Tensor weighted = composite_weights(query, key, spec, run);
  tell_observer(query, key, spec, run);
  if (run.training && spec.weigh.dropout > 0)
    weighted = op::multiply(
        weighted, dropout_factors(weighted.shape(), spec.weigh.dropout, run.random, weighted.dtype()));
  const Tensor answer = gathered(weighted, by_head(value, query.dim(2)), spec, run);
  return heads_fused(op::contiguous(op::permute(answer, {0, 2, 1, 3})), spec, run);
}

}  // namespace attend::attention
