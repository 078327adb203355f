#include "attend/nn/transformer_block.h"

#include "nn/branch.h"

namespace attend::nn {

TransformerBlock::TransformerBlock(std::int64_t dim, const TransformerBlockOptions& options,
                                   Generator& random)
    : dropout_(options.dropout),
      post_norm_(options.post_norm),
      attention_is_random_(draws_random_numbers(options.attention.attention)),
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
                    .draws = run.draws,
                    .key_lengths = run.key_lengths};
  call.training = run.training;
  call.attention_branch = dropout_stream(run, dropout_);
  call.feed_forward_branch = dropout_stream(run, dropout_);
  return call;
}

Residual TransformerBlock::forward(Residual x, attention::KeyValueCache* cache, const Call& call) const {
  const BranchOptions options{.post_norm = post_norm_, .training = call.training, .dropout = dropout_};
  add_branch(x, *attention_norm_, options, call.attention_branch, [&](const Tensor& y) {
    return cache == nullptr ? attention_.forward(y, call.attention)
                            : attention_.forward(y, *cache, call.attention);
  });
  add_branch(x, *feed_forward_norm_, options, call.feed_forward_branch,
             [&](const Tensor& y) { return feed_forward_.forward(y); });
  return x;
}

Residual TransformerBlock::forward(Residual x, const Call& call) const {
  return forward(std::move(x), nullptr, call);
}

Residual TransformerBlock::forward(Residual x, attention::KeyValueCache& cache, const Call& call) const {
  return forward(std::move(x), &cache, call);
}

Residual TransformerBlock::forward_recomputed(const Residual& x, const Call& call) const {
  check_no_draws(call.attention.draws);
  return recomputed({x.sum, x.branch}, [this, call](const autograd::Tensors& inputs, bool first) {
    Call now = call;
    if (!first) now.attention.observer = nullptr;
    return forward({inputs[0], inputs[1]}, nullptr, now);
  });
}

}  // namespace attend::nn
