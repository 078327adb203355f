// The definition of attention from plain differentiable operations: what the fused kernels are tested
// against.

#include <cmath>
#include <limits>
#include <memory>

#include "attend/attention/attend.h"
#include "attend/autograd/tape.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "attend/op/where.h"
#include "attention/fused.h"

namespace attend::attention {

namespace {

// [batch, length, key heads, d] to [batch, heads, length, d]: each key head stands for its group of query
// heads.
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

// Which pairs may look at each other: [queries, keys].
Tensor causal_mask(std::int64_t queries, std::int64_t keys) {
  const Tensor mask = Tensor::zeros({queries, keys}, DType::boolean);
  for (std::int64_t i = 0; i < queries; ++i)
    for (std::int64_t j = 0; j < keys && j <= i + keys - queries; ++j) mask.data<bool>()[i * keys + j] = true;
  return mask;
}

Tensor softmax_weights(const Tensor& query, const Tensor& key, const AttentionSpec& spec) {
  const Tensor q = by_head(query, query.dim(2)), k = by_head(key, query.dim(2));
  Tensor scores = op::scale(op::matmul(q, op::transpose(k)), score_scale(spec, query.dim(3)));
  if (spec.place.mask == Place::Mask::causal)
    scores = op::where(causal_mask(query.dim(1), key.dim(1)), scores,
                       Tensor::full({}, -std::numeric_limits<double>::infinity(), scores.dtype()));
  return op::softmax(scores);
}

// 1 / (1 - dropout) where a weight is kept and 0 elsewhere, by the rule of backend/cpu/attention_dropout.h.
Tensor dropout_factors(const Shape& shape, double dropout, const RandomStream& random, DType dtype) {
  const std::int64_t queries = shape[2], keys = shape[3];
  const auto threshold = static_cast<std::uint32_t>(std::lround(dropout * 65536));
  std::vector<double> factors(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i);
    const std::int64_t k = place % keys, q = place / keys % queries, head = place / keys / queries;
    const std::uint64_t stream = (random.stream << 20) + static_cast<std::uint64_t>(head);
    const auto words = philox({static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(q / 8),
                               static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                              random.seed);
    const std::uint32_t half = (words[static_cast<std::size_t>(q % 8 / 2)] >> (16 * (q % 2))) & 0xffffU;
    factors[i] = half >= threshold ? 1 / (1 - dropout) : 0;
  }
  return op::cast(Tensor::from(factors, shape), dtype);
}

}  // namespace

Tensor weights(const Tensor& query, const Tensor& key, const AttentionSpec& spec) {
  check_operands(query, key, key, spec);
  const autograd::NoGrad no_grad;
  const DType dtype = query.dtype() == DType::f64 ? DType::f64 : DType::f32;
  return softmax_weights(op::cast(query, dtype), op::cast(key, dtype), spec);
}

Tensor attend_composite(const Tensor& query, const Tensor& key, const Tensor& value,
                        const AttentionSpec& spec, const Run& run) {
  check_operands(query, key, value, spec);
  Tensor weighted = softmax_weights(query, key, spec);
  if (run.observer != nullptr && run.observer->wants(run.layer))
    run.observer->observe(run.layer, weights(query, key, spec));
  if (run.training && spec.weigh.dropout > 0)
    weighted = op::multiply(
        weighted, dropout_factors(weighted.shape(), spec.weigh.dropout, run.random, weighted.dtype()));
  const Tensor output = op::matmul(weighted, by_head(value, query.dim(2)));
  return op::contiguous(op::permute(output, {0, 2, 1, 3}));
}

}  // namespace attend::attention
