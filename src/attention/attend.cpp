#include "attend/attention/attend.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/shape.h"
#include "attention/additive.h"
#include "attention/fused.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

// One of the three parts of qkv [batch, length, 3, heads, d], off the tape.
Tensor part_of(const Tensor& qkv, int part) {
  return qkv.view_as({qkv.dim(0), qkv.dim(1), qkv.dim(3), qkv.dim(4)},
                     {qkv.strides()[0], qkv.strides()[1], qkv.strides()[3], 1}, part * qkv.strides()[2]);
}

Tensor dense(const Tensor& tensor) {
  return tensor.is_contiguous() ? tensor : tensor.clone();
}

Tensor off_tape(const Tensor& tensor) {
  return tensor.defined() ? tensor.detach() : Tensor();
}

Lowered off_tape(Lowered x) {
  for (Tensor* tensor : {&x.query, &x.key, &x.value, &x.key_bias, &x.distance_bias, &x.sink, &x.vector})
    *tensor = off_tape(*tensor);
  return x;
}

// An empty gradient for a tensor that needs one.
Tensor gradient_for(const Tensor& tensor, bool wanted) {
  return tensor.defined() && wanted ? Tensor::empty(tensor.shape(), tensor.dtype()) : Tensor();
}

bool needs_gradient(const Tensor& tensor) {
  return tensor.defined() && autograd::requires_grad(tensor);
}

FusedResult fused(const Lowered& x, const std::optional<StatisticsOptions>& wanted) {
  const FusedResult result = fused_forward(off_tape(x), wanted);
  const autograd::Tensors inputs = {x.query, x.key, x.value, x.key_bias, x.distance_bias, x.sink, x.vector};
  if (autograd::is_recording(inputs))
    autograd::record(
        "attend", inputs, {result.output},
        [saved = off_tape(x), result = FusedResult{result.output.detach(), result.log_sum},
         for_key_bias = needs_gradient(x.key_bias), for_distance_bias = needs_gradient(x.distance_bias),
         for_sink = needs_gradient(x.sink)](const autograd::Tensors& cotangents) {
          const LoweredGradients g = {.query = gradient_for(saved.query, true),
                                      .key = gradient_for(saved.key, true),
                                      .value = gradient_for(saved.value, true),
                                      .key_bias = gradient_for(saved.key_bias, for_key_bias),
                                      .distance_bias = gradient_for(saved.distance_bias, for_distance_bias),
                                      .sink = gradient_for(saved.sink, for_sink),
                                      .vector = gradient_for(saved.vector, true)};
          fused_backward(saved, result, dense(cotangents[0]), g);
          return autograd::Tensors{g.query, g.key, g.value, g.key_bias, g.distance_bias, g.sink, g.vector};
        });
  return result;
}

// The same for parts of one tensor, whose gradient is one tensor too.
FusedResult fused_packed(const Tensor& qkv, const Lowered& x,
                         const std::optional<StatisticsOptions>& wanted) {
  const FusedResult result = fused_forward(off_tape(x), wanted);
  const autograd::Tensors inputs = {qkv, x.distance_bias, x.sink};
  if (autograd::is_recording(inputs))
    autograd::record("attend_packed", inputs, {result.output},
                     [saved = off_tape(x), result = FusedResult{result.output.detach(), result.log_sum},
                      shape = qkv.shape(), for_distance_bias = needs_gradient(x.distance_bias),
                      for_sink = needs_gradient(x.sink)](const autograd::Tensors& cotangents) {
                       const Tensor gradient = Tensor::empty(shape, saved.query.dtype());
                       const LoweredGradients g = {
                           .query = part_of(gradient, 0),
                           .key = part_of(gradient, 1),
                           .value = part_of(gradient, 2),
                           .key_bias = {},
                           .distance_bias = gradient_for(saved.distance_bias, for_distance_bias),
                           .sink = gradient_for(saved.sink, for_sink),
                           .vector = {}};
                       fused_backward(saved, result, dense(cotangents[0]), g);
                       return autograd::Tensors{gradient, g.distance_bias, g.sink};
                     });
  return result;
}

}  // namespace

Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec,
              const Run& run) {
  check_operands(query, key, value, spec);
  if (spec.gather.kind != Gather::Kind::weighted_sum) {
    const Tensor answer = linear_attention(query, key, value, spec, run, false);
    tell_observer(query, key, spec, run);
    return heads_fused(answer, spec, run);
  }
  if (!is_fused(spec)) return attend_composite(query, key, value, spec, run);
  if (is_additive_step(query, key, spec, run)) {
    const Tensor answer = additive_step(query, key, value, run);
    tell_observer(query, key, spec, run);
    return heads_fused(answer, spec, run);
  }
  const Lowered x = lower(query, key, value, spec, run);
  const FusedResult result = fused(x, wanted_of_pass(spec, run));
  tell_observer(query, key, spec, run, &result);
  return heads_fused(result.output, spec, run);
}

Tensor attend_packed(const Tensor& qkv, const AttentionSpec& spec, const Run& run) {
  if (qkv.rank() != 5 || qkv.dim(2) != 3 || !qkv.is_contiguous())
    throw Error(
        fmt::format("attention of qkv {}: a dense [batch, length, 3, heads, d] is needed", qkv.text()));
  if (!is_fused(spec) || !takes_plain_operands(spec)) {
    autograd::Tensors parts;
    for (std::int64_t part = 0; part < 3; ++part)
      parts.push_back(
          op::reshape(op::slice(qkv, 2, part, part + 1), {qkv.dim(0), qkv.dim(1), qkv.dim(3), qkv.dim(4)}));
    return attend(parts[0], parts[1], parts[2], spec, run);
  }
  const Tensor query = part_of(qkv, 0), key = part_of(qkv, 1), value = part_of(qkv, 2);
  check_operands(query, key, value, spec);
  const Lowered x = lower(query, key, value, spec, run);
  const FusedResult result = fused_packed(qkv, x, wanted_of_pass(spec, run));
  tell_observer(query, key, spec, run, &result);
  return heads_fused(result.output, spec, run);
}

}  // namespace attend::attention
