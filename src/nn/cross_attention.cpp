#include "attend/nn/cross_attention.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/activation.h"
#include "attend/op/shape.h"
#include "nn/heads.h"

namespace attend::nn {

namespace {

/// The features of one head, of options that fit.
std::int64_t checked_head_dim(std::int64_t dim, const MultiHeadAttentionOptions& options) {
  if (options.rotary != nullptr)
    throw Error("rotary positions in cross-attention: places in two sequences have no distance");
  if (attention::depends_on_places(options.attention.place))
    throw Error(
        "cross-attention: a mask or positions that depend on places (causal, window, relative positions ...) "
        "given, none accepted: places in two sequences have no distance");
  return head_dim_of(dim, options);
}

void check(const char* what, const Tensor& x, std::int64_t dim) {
  if (x.rank() != 3 || x.dim(2) != dim)
    throw Error(fmt::format("cross-attention, {} {}: [batch, length, {}] needed", what, x.text(), dim));
}

}  // namespace

CrossAttention::CrossAttention(std::int64_t dim, const MultiHeadAttentionOptions& options, Generator& random)
    : dim_(dim),
      heads_(options.heads),
      key_heads_(key_heads_of(options)),
      attention_(options.attention),
      query_(dim, checked_head_dim(dim, options) * heads_,
             {.bias = options.bias, .initialisation_std = options.initialisation_std}, random),
      key_value_(dim, 2 * key_heads_ * (dim / heads_),
                 {.bias = options.bias, .initialisation_std = options.initialisation_std}, random),
      output_(answer_width(dim, options), dim,
              {.bias = options.bias, .initialisation_std = options.output_std}, random),
      learned_(attention::initial_parameters(
          attention_, {.heads = heads_, .dim = dim / heads_, .keys = options.longest}, random)) {
  add_child("query", query_);
  add_child("key_value", key_value_);
  add_child("output", output_);
  attention::for_each(learned_, [&](const std::string& name, Tensor& tensor) {
    add_parameter(name, tensor, tensor.rank() > 1);
  });
  if (attention_.fuse.gate) {
    gate_ = std::make_unique<Linear>(dim, heads_,
                                     LinearOptions{.initialisation_std = options.initialisation_std}, random);
    add_child("gate", *gate_);
  }
}

CrossAttention::Memory CrossAttention::project(const Tensor& memory) const {
  check("memory", memory, dim_);
  const Tensor both =
      op::reshape(key_value_.forward(memory), {memory.dim(0), memory.dim(1), 2 * key_heads_, dim_ / heads_});
  const auto parts = op::split(both, 2, {key_heads_, key_heads_});
  return {parts[0], parts[1]};
}

Tensor CrossAttention::queries(const Tensor& x) const {
  check("x", x, dim_);
  return op::reshape(query_.forward(x), {x.dim(0), x.dim(1), heads_, dim_ / heads_});
}

attention::Run CrossAttention::with_parameters(const attention::Run& run, const Tensor& x) const {
  attention::Run result = run;
  result.parameters = learned_;
  if (gate_ != nullptr) result.parameters.gate = op::activate(gate_->forward(x), Activation::sigmoid);
  return result;
}

Tensor CrossAttention::projected_output(const Tensor& answer) const {
  return output_.forward(op::reshape(answer, {answer.dim(0), answer.dim(1), answer.dim(2) * answer.dim(3)}));
}

Tensor CrossAttention::forward(const Tensor& x, const Memory& memory, const attention::Run& run) const {
  return projected_output(
      attention::attend(queries(x), memory.keys, memory.values, attention_, with_parameters(run, x)));
}

attention::KeyValueCache CrossAttention::make_cache(const Tensor& memory) const {
  const autograd::NoGrad no_grad;
  const Memory projected = project(memory);
  attention::KeyValueCache cache(memory.dim(0), memory.dim(1), key_heads_, dim_ / heads_,
                                 projected.keys.dtype());
  cache.append(projected.keys, projected.values);
  return cache;
}

Tensor CrossAttention::forward(const Tensor& x, const attention::KeyValueCache& memory,
                               const attention::Run& run) const {
  const autograd::NoGrad no_grad;
  return projected_output(attention::attend_cached(queries(x), memory, attention_, with_parameters(run, x)));
}

}  // namespace attend::nn
