#include "attend/nn/multi_head_attention.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/activation.h"
#include "attend/op/shape.h"
#include "nn/heads.h"

namespace attend::nn {

MultiHeadAttention::MultiHeadAttention(std::int64_t dim, const MultiHeadAttentionOptions& options,
                                       Generator& random)
    : dim_(dim),
      heads_(options.heads),
      key_heads_(key_heads_of(options)),
      attention_(options.attention),
      rotary_(options.rotary),
      qkv_(dim, head_dim_of(dim, options) * (heads_ + 2 * key_heads_),
           {.bias = options.bias, .initialisation_std = options.initialisation_std}, random),
      output_(answer_width(dim, options), dim,
              {.bias = options.bias, .initialisation_std = options.output_std}, random),
      learned_(attention::initial_parameters(
          attention_, {.heads = heads_, .dim = dim / heads_, .keys = options.longest}, random)) {
  add_child("qkv", qkv_);
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

attention::Run MultiHeadAttention::with_parameters(const attention::Run& run, const Tensor& x) const {
  attention::Run result = run;
  result.parameters = learned_;
  if (gate_ != nullptr) result.parameters.gate = op::activate(gate_->forward(x), Activation::sigmoid);
  return result;
}

Tensor MultiHeadAttention::projected_output(const Tensor& answer) const {
  return output_.forward(op::reshape(answer, {answer.dim(0), answer.dim(1), answer.dim(2) * answer.dim(3)}));
}

/// [batch, length, heads of queries, of keys, of values, d].
Tensor MultiHeadAttention::project(const Tensor& x, std::int64_t first_place) const {
  if (x.rank() != 3 || x.dim(2) != dim_)
    throw Error(fmt::format("self-attention over x {}: [batch, length, {}] needed", x.text(), dim_));
  const Tensor packed =
      op::reshape(qkv_.forward(x), {x.dim(0), x.dim(1), heads_ + 2 * key_heads_, dim_ / heads_});
  return rotary_ == nullptr ? packed : rotary_->forward(packed, first_place, heads_ + key_heads_);
}

Tensor MultiHeadAttention::forward(const Tensor& x, const attention::Run& run) const {
  const Tensor packed = project(x, 0);
  Tensor answer;
  if (heads_ == key_heads_) {
    const Tensor qkv = op::reshape(packed, {x.dim(0), x.dim(1), 3, heads_, dim_ / heads_});
    answer = attention::attend_packed(qkv, attention_, with_parameters(run, x));
  } else {
    const auto parts = op::split(packed, 2, {heads_, key_heads_, key_heads_});
    answer = attention::attend(parts[0], parts[1], parts[2], attention_, with_parameters(run, x));
  }
  return projected_output(answer);
}

Tensor MultiHeadAttention::forward(const Tensor& x, attention::KeyValueCache& cache,
                                   const attention::Run& run) const {
  const autograd::NoGrad no_grad;
  const auto parts = op::split(project(x, cache.length()), 2, {heads_, key_heads_, key_heads_});
  cache.append(parts[1], parts[2]);
  return projected_output(attention::attend_cached(parts[0], cache, attention_, with_parameters(run, x)));
}

attention::KeyValueCache MultiHeadAttention::make_cache(std::int64_t batch, std::int64_t capacity,
                                                        DType dtype) const {
  return {batch, capacity, key_heads_, dim_ / heads_, dtype};
}

}  // namespace attend::nn
