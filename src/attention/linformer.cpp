// Wang et al., "Linformer: Self-Attention with Linear Complexity", 2020: softmax(scale q (E k)^T) (F v), with
// E and F of few rows.

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "attention/linear.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

// The columns of E or F that belong to the keys there are.
Tensor projection(const Tensor& parameter, const char* name, std::int64_t features, const Tensor& key) {
  const std::int64_t keys = key.dim(2);
  if (!parameter.defined())
    throw Error(fmt::format("linformer attention: the parameter {} [{}, keys] is missing", name, features));
  if (parameter.rank() != 2 || parameter.dim(0) != features || !is_floating(parameter.dtype()))
    throw Error(fmt::format("linformer attention: {} is {}, a floating-point [{} (features), keys] is needed",
                            name, parameter.text(), features));
  if (parameter.dim(1) < keys)
    throw Error(fmt::format("linformer attention: {} keys given, {} {} takes at most {}", keys, name,
                            parameter.text(), parameter.dim(1)));
  return op::cast(op::slice(parameter, 1, 0, keys), key.dtype());
}

}  // namespace

Tensor linformer(const LinearInputs& inputs, const AttentionSpec& spec, const Run& run, bool by_definition) {
  const auto& [query, key, value] = inputs;
  const std::int64_t heads = query.dim(1), features = spec.gather.features;
  const Tensor key_rows = projection(run.parameters.key_projection, "key_projection", features, key);
  const Tensor value_rows = projection(run.parameters.value_projection, "value_projection", features, key);
  const Tensor few_keys = repeated_heads(op::matmul(key_rows, key), heads);
  const Tensor scaled = op::scale(query, score_scale(spec, query.dim(3)));
  const Tensor weights = op::softmax(op::matmul(scaled, op::transpose(few_keys)));
  if (by_definition) return op::matmul(op::matmul(weights, value_rows), repeated_heads(value, heads));
  return op::matmul(weights, repeated_heads(op::matmul(value_rows, value), heads));
}

}  // namespace attend::attention
