#include "attend/nn/cross_attention.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/activation.h"
#include "attend/op/shape.h"

namespace attend::nn {

namespace {

std::int64_t key_heads_of(const MultiHeadAttentionOptions& options) {
  return options.key_heads == 0 ? options.heads : options.key_heads;
}

/// Features of one head.
std::int64_t head_dim(std::int64_t dim, const MultiHeadAttentionOptions& options) {
  const std::int64_t heads = options.heads, key_heads = key_heads_of(options);
  if (heads < 1 || dim < 1 || dim % heads != 0)
    throw Error(fmt::format("heads {} do not divide dim {}: dim must be a multiple of heads", heads, dim));
  if (key_heads < 1 || heads % key_heads != 0)
    throw Error(fmt::format("key_heads {} do not divide heads {}: heads must be a multiple of key_heads",
                            key_heads, heads));
  if (options.rotary != nullptr)
    throw Error("rotary positions in cross-attention: places in two sequences have no distance");
  return dim / heads;
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
      query_(dim, head_dim(dim, options) * heads_,
             {.bias = options.bias, .initialisation_std = options.initialisation_std}, random),
      key_value_(dim, 2 * key_heads_ * head_dim(dim, options),
                 {.bias = options.bias, .initialisation_std = options.initialisation_std}, random),
      output_(attention_.fuse.kind == attention::Fuse::Kind::concatenate ? dim : dim / heads_, dim,
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

Tensor CrossAttention::forward(const Tensor& x, const Memory& memory, const attention::Run& run) const {
  check("x", x, dim_);
  attention::Run learned = run;
  learned.parameters = learned_;
  if (gate_ != nullptr) learned.parameters.gate = op::activate(gate_->forward(x), Activation::sigmoid);
  const Tensor query = op::reshape(query_.forward(x), {x.dim(0), x.dim(1), heads_, dim_ / heads_});
  const Tensor answer = attention::attend(query, memory.keys, memory.values, attention_, learned);
  return output_.forward(op::reshape(answer, {x.dim(0), x.dim(1), answer.dim(2) * answer.dim(3)}));
}

}  // namespace attend::nn
