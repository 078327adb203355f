#include "attention/lower.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/linear.h"
#include "attend/op/matmul.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/unary.h"
#include "attention/additive.h"
#include "attention/kernel_work.h"
#include "attention/learned.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

Tensor with_unit_last_stride(const Tensor& x) {
  return x.strides()[3] == 1 || x.dim(3) == 1 ? x : op::contiguous(x);
}

}  // namespace

Tensor projected_by_head(const Tensor& x, const Tensor& weight) {
  const std::int64_t batch = x.dim(0), length = x.dim(1), heads = weight.dim(0), out = weight.dim(1);
  if (heads == 1 && x.dim(2) == 1) {
    const Tensor rows = op::reshape(x, {batch, length, x.dim(3)});
    return op::reshape(op::linear(rows, op::reshape(weight, {out, x.dim(3)})), {batch, length, 1, out});
  }
  // One product for each head, not for each head of each row: the gradient of the weight is then one too.
  const Tensor rows =
      op::reshape(op::permute(by_head(x, heads), {1, 0, 2, 3}), {heads, batch * length, x.dim(3)});
  const Tensor products = op::matmul(rows, op::transpose(weight));
  return op::contiguous(op::permute(op::reshape(products, {heads, batch, length, out}), {1, 2, 0, 3}));
}

bool takes_plain_operands(const AttentionSpec& spec) {
  return spec.score.kind == Score::Kind::dot;
}

bool has_fused_statistics(const AttentionSpec& spec) {
  return is_fused(spec) && spec.weigh.kind == Weigh::Kind::softmax;
}

bool is_fused(const AttentionSpec& spec) {
  using Positions = Place::Positions;
  const Positions positions = spec.place.positions;
  if (spec.gather.kind != Gather::Kind::weighted_sum || spec.weigh.talking_heads) return false;
  if (spec.weigh.kind != Weigh::Kind::softmax && spec.weigh.kind != Weigh::Kind::sigmoid) return false;
  // Their scores are no function of the head and the distance alone.
  if (positions == Positions::shaw || positions == Positions::transformer_xl || positions == Positions::grid)
    return false;
  switch (spec.score.kind) {
    case Score::Kind::dot:
    case Score::Kind::bilinear:
    case Score::Kind::cosine:
    case Score::Kind::pearson:
    case Score::Kind::additive:
      return true;
    case Score::Kind::euclidean:
      // |q|^2 cancels in a softmax over scores that nothing bends, and nowhere else.
      return spec.weigh.kind == Weigh::Kind::softmax && !spec.weigh.sink && !(spec.score.soft_cap > 0) &&
             spec.score.function == nullptr;
  }
  return false;
}

Lowered lower(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec,
              const Run& run) {
  const DType dtype = query.dtype(), wide = sum_dtype(dtype);
  Lowered result{.query = query,
                 .key = key,
                 .value = value,
                 .scale = score_scale(spec, query.dim(3)),
                 .soft_cap = spec.score.soft_cap,
                 .temperature = spec.weigh.temperature,
                 .sigmoid = spec.weigh.kind == Weigh::Kind::sigmoid,
                 .sigmoid_bias = spec.weigh.sigmoid_bias,
                 .dropout = run.training ? spec.weigh.dropout : 0,
                 .random = run.random,
                 .function = spec.score.function,
                 .mask = MaskTable::of(spec.place, run, query.dim(0), query.dim(1), key.dim(1))};
  switch (spec.score.kind) {
    case Score::Kind::bilinear:
      result.query =
          projected_by_head(query, op::transpose(learned(run.parameters.bilinear, "bilinear",
                                                         {query.dim(2), query.dim(3), key.dim(3)}, dtype)));
      break;
    case Score::Kind::cosine: {
      result.query = op::cast(
          op::divide(unit_vectors(op::cast(query, wide)),
                     op::reshape(cosine_temperature(run, query.dim(2), wide), {1, 1, query.dim(2), 1})),
          dtype);
      result.key = op::cast(unit_vectors(op::cast(key, wide)), dtype);
      result.scale = 1;
      break;
    }
    case Score::Kind::pearson:
      result.query = op::cast(unit_vectors(centred(op::cast(query, wide))), dtype);
      result.key = op::cast(unit_vectors(centred(op::cast(key, wide))), dtype);
      break;
    case Score::Kind::euclidean: {
      const Tensor squares = op::sum(op::square(op::cast(key, wide)), {.axes = {-1}});
      result.key_bias = op::contiguous(op::scale(op::permute(squares, {0, 2, 1}), -result.scale));
      result.scale *= 2;
      break;
    }
    case Score::Kind::additive:
      lower_additive(result, run);
      break;
    case Score::Kind::dot:
      break;
  }
  result.query = with_unit_last_stride(result.query);
  result.key = with_unit_last_stride(result.key);
  result.value = with_unit_last_stride(result.value);
  result.distance_bias = distance_bias(spec, run, query.dim(2), query.dim(1), key.dim(1), wide);
  if (result.distance_bias.defined()) {
    result.distance_bias = op::contiguous(op::cast(result.distance_bias, wide));
    if (!(result.distance_bias.shape() == Shape{query.dim(2), query.dim(1) + key.dim(1) - 1}))
      throw Error(fmt::format("attention: distance bias {} of {} heads, {} queries, {} keys",
                              result.distance_bias.text(), query.dim(2), query.dim(1), key.dim(1)));
  }
  if (spec.weigh.sink) {
    result.sink = learned(run.parameters.sink_logits, "sink_logits", {query.dim(2)}, wide);
  }
  return result;
}

}  // namespace attend::attention
