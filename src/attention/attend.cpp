#include "attend/attention/attend.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attention/fused.h"

namespace attend::attention {

namespace {

void observe(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run) {
  if (run.observer != nullptr && run.observer->wants(run.layer))
    run.observer->observe(run.layer, weights(query, key, spec, run));
}

// One of the three parts of qkv [batch, length, 3, heads, d], off the tape.
Tensor part_of(const Tensor& qkv, int part) {
  return qkv.view_as({qkv.dim(0), qkv.dim(1), qkv.dim(3), qkv.dim(4)},
                     {qkv.strides()[0], qkv.strides()[1], qkv.strides()[3], 1}, part * qkv.strides()[2]);
}

QueryKeyValue parts_of(const Tensor& qkv) {
  return {part_of(qkv, 0), part_of(qkv, 1), part_of(qkv, 2)};
}

Tensor dense(const Tensor& tensor) {
  return tensor.is_contiguous() ? tensor : tensor.clone();
}

}  // namespace

Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec,
              const Run& run) {
  check_operands(query, key, value, spec);
  const FusedResult result = fused_forward(query, key, value, spec, run);
  if (autograd::is_recording({query, key, value})) {
    autograd::record(
        "attend", {query, key, value}, {result.output},
        [inputs = QueryKeyValue{query.detach(), key.detach(), value.detach()},
         saved = FusedResult{result.output.detach(), result.log_sum}, spec,
         run](const autograd::Tensors& cotangents) {
          const auto like = [](const Tensor& t) { return Tensor::empty(t.shape(), t.dtype()); };
          const QueryKeyValue gradients = {like(inputs.query), like(inputs.key), like(inputs.value)};
          fused_backward(inputs, saved, dense(cotangents[0]), spec, run, gradients);
          return autograd::Tensors{gradients.query, gradients.key, gradients.value};
        });
  }
  observe(query, key, spec, run);
  return result.output;
}

Tensor attend_packed(const Tensor& qkv, const AttentionSpec& spec, const Run& run) {
  if (qkv.rank() != 5 || qkv.dim(2) != 3 || !qkv.is_contiguous())
    throw Error(
        fmt::format("attention of qkv {}: a dense [batch, length, 3, heads, d] is needed", qkv.text()));
  const QueryKeyValue inputs = parts_of(qkv);
  check_operands(inputs.query, inputs.key, inputs.value, spec);
  const FusedResult result = fused_forward(inputs.query, inputs.key, inputs.value, spec, run);
  if (autograd::is_recording({qkv})) {
    autograd::record("attend_packed", {qkv}, {result.output},
                     [inputs, saved = FusedResult{result.output.detach(), result.log_sum}, spec, run,
                      shape = qkv.shape()](const autograd::Tensors& cotangents) {
                       const Tensor gradient = Tensor::empty(shape, inputs.query.dtype());
                       fused_backward(inputs, saved, dense(cotangents[0]), spec, run, parts_of(gradient));
                       return autograd::Tensors{gradient};
                     });
  }
  observe(inputs.query, inputs.key, spec, run);
  return result.output;
}

}  // namespace attend::attention
