#include "attend/nn/transformer_block.h"

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/dropout.h"

namespace attend::nn {

namespace {

bool draws_random_numbers(const attention::Weigh& weigh) {
  using Kind = attention::Weigh::Kind;
  return weigh.dropout > 0 || weigh.kind == Kind::gumbel || weigh.kind == Kind::reinforce;
}

}  // namespace

TransformerBlock::TransformerBlock(std::int64_t dim, const TransformerBlockOptions& options,
                                   Generator& random)
    : dropout_(options.dropout),
      attention_is_random_(draws_random_numbers(options.attention.attention.weigh)),
      attention_norm_(make_norm(options.norm, dim, options.norm_options)),
      attention_(dim, options.attention, random),
      feed_forward_norm_(make_norm(options.norm, dim, options.norm_options)),
      feed_forward_(dim, options.feed_forward, random) {
  add_child("attention_norm", *attention_norm_);
  add_child("attention", attention_);
  add_child("feed_forward_norm", *feed_forward_norm_);
  add_child("feed_forward", feed_forward_);
}

TransformerBlock::Call TransformerBlock::call(const Run& run, std::int64_t layer) const {
  Call call;
  call.attention = {.training = run.training,
                    .random = dropout_stream(run, attention_is_random_ ? 1 : 0),
                    .observer = run.observer,
                    .layer = layer,
                    .draws = run.draws};
  call.training = run.training;
  call.attention_branch = dropout_stream(run, dropout_);
  call.feed_forward_branch = dropout_stream(run, dropout_);
  return call;
}

Residual TransformerBlock::forward(Residual x, attention::KeyValueCache* cache, const Call& call) const {
  const auto dropped = [&](const Tensor& branch, RandomStream stream) {
    return call.training && dropout_ > 0 ? op::dropout(branch, dropout_, stream) : branch;
  };
  Tensor normed = attention_norm_->forward(x);
  const Tensor looked = cache == nullptr ? attention_.forward(normed, call.attention)
                                         : attention_.forward(normed, *cache, call.attention);
  x.branch = dropped(looked, call.attention_branch);
  normed = feed_forward_norm_->forward(x);
  x.branch = dropped(feed_forward_.forward(normed), call.feed_forward_branch);
  return x;
}

Residual TransformerBlock::forward(Residual x, const Call& call) const {
  return forward(std::move(x), nullptr, call);
}

Residual TransformerBlock::forward(Residual x, attention::KeyValueCache& cache, const Call& call) const {
  return forward(std::move(x), &cache, call);
}

Residual TransformerBlock::forward_recomputed(const Residual& x, const Call& call) const {
  if (call.attention.draws != nullptr)
    throw Error("a block cannot be recomputed (recompute_blocks) while its draws are asked for (draws)");
  const auto observed = std::make_shared<bool>(false);  // shared by the copies of the segment
  const auto segment = [this, call, observed](const autograd::Tensors& inputs) {
    Call now = call;
    if (*observed) now.attention.observer = nullptr;
    *observed = true;
    const Residual result = forward({inputs[0], inputs[1]}, nullptr, now);
    return autograd::Tensors{result.sum, result.branch};
  };
  const autograd::Tensors outputs = autograd::checkpoint(segment, {x.sum, x.branch});
  return {outputs[0], outputs[1]};
}

}  // namespace attend::nn
