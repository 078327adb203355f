#include "attend/nn/decoder_block.h"

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "nn/branch.h"
#include "nn/grouped_observer.h"

namespace attend::nn {

namespace {

const DecoderBlockOptions& checked(const DecoderBlockOptions& options) {
  if (!attention::can_decode(options.self_attention.attention))
    throw Error(
        "a decoder's self-attention must be causal and computable token by token (attention::can_decode)");
  if (options.cross_attention.attention.gather.kind == attention::Gather::Kind::nystrom)
    throw Error(
        "nystrom in a decoder's cross-attention: its landmarks are means of queries, by which tokens see "
        "those "
        "that follow");
  return options;
}

}  // namespace

DecoderBlock::DecoderBlock(std::int64_t dim, const DecoderBlockOptions& options, Generator& random)
    : dropout_(checked(options).dropout),
      post_norm_(options.post_norm),
      self_is_random_(draws_random_numbers(options.self_attention.attention)),
      cross_is_random_(draws_random_numbers(options.cross_attention.attention)),
      self_attention_norm_(make_norm(options.norm, dim, options.norm_options)),
      self_attention_(dim, options.self_attention, random),
      cross_attention_norm_(make_norm(options.norm, dim, options.norm_options)),
      cross_attention_(dim, options.cross_attention, random),
      feed_forward_norm_(make_norm(options.norm, dim, options.norm_options)),
      feed_forward_(dim, options.feed_forward, random) {
  add_child("self_attention_norm", *self_attention_norm_);
  add_child("self_attention", self_attention_);
  add_child("cross_attention_norm", *cross_attention_norm_);
  add_child("cross_attention", cross_attention_);
  add_child("feed_forward_norm", *feed_forward_norm_);
  add_child("feed_forward", feed_forward_);
}

DecoderBlock::Call DecoderBlock::call(const Run& run, const Tensor& memory_lengths,
                                      const Layers& layers) const {
  const auto attention_run = [&](bool is_random, std::int64_t layer, const Tensor& lengths) {
    return attention::Run{.training = run.training,
                          .random = dropout_stream(run, is_random ? 1 : 0),
                          .observer = run.observer,
                          .layer = layer,
                          .draws = run.draws,
                          .key_lengths = lengths};
  };
  Call call;
  call.self_attention = attention_run(self_is_random_, layers.self_attention, run.key_lengths);
  call.cross_attention = attention_run(cross_is_random_, layers.cross_attention, memory_lengths);
  call.training = run.training;
  call.self_branch = dropout_stream(run, dropout_);
  call.cross_branch = dropout_stream(run, dropout_);
  call.feed_forward_branch = dropout_stream(run, dropout_);
  return call;
}

template <class SelfAttention, class Cross>
Residual DecoderBlock::branches(Residual x, const Call& call, SelfAttention&& self_attention,
                                Cross&& cross) const {
  const BranchOptions options{.post_norm = post_norm_, .training = call.training, .dropout = dropout_};
  add_branch(x, *self_attention_norm_, options, call.self_branch, self_attention);
  add_branch(x, *cross_attention_norm_, options, call.cross_branch, cross);
  add_branch(x, *feed_forward_norm_, options, call.feed_forward_branch,
             [&](const Tensor& y) { return feed_forward_.forward(y); });
  return x;
}

Residual DecoderBlock::forward(Residual x, const CrossAttention::Memory& memory, const Call& call) const {
  return branches(
      std::move(x), call, [&](const Tensor& y) { return self_attention_.forward(y, call.self_attention); },
      [&](const Tensor& y) { return cross_attention_.forward(y, memory, call.cross_attention); });
}

Residual DecoderBlock::forward_recomputed(const Residual& x, const Tensor& memory, const Call& call) const {
  check_no_draws(call.self_attention.draws);
  return recomputed({x.sum, x.branch, memory}, [this, call](const autograd::Tensors& inputs, bool first) {
    Call now = call;
    if (!first) now.self_attention.observer = now.cross_attention.observer = nullptr;
    return forward({inputs[0], inputs[1]}, project(inputs[2]), now);
  });
}

DecoderBlock::Cache DecoderBlock::make_cache(const Tensor& memory, std::int64_t rows,
                                             std::int64_t capacity) const {
  attention::KeyValueCache projected = cross_attention_.make_cache(memory);
  const DType dtype = projected.keys().dtype();
  return {self_attention_.make_cache(rows, capacity, dtype), std::move(projected)};
}

Residual DecoderBlock::forward(Residual x, Cache& cache, const RowGroups& groups, const Call& call) const {
  return branches(
      std::move(x), call,
      [&](const Tensor& y) { return self_attention_.forward(y, cache.self_attention, call.self_attention); },
      [&](const Tensor& y) { return look(y, cache.memory, groups, call.cross_attention); });
}

Tensor DecoderBlock::look(const Tensor& x, const attention::KeyValueCache& memory, const RowGroups& groups,
                          const attention::Run& run) const {
  if (groups.is_one_to_one()) return cross_attention_.forward(x, memory, run);
  attention::Run of_groups = run;
  std::optional<GroupedObserver> observer;
  if (run.observer != nullptr) of_groups.observer = &observer.emplace(*run.observer, groups);
  return groups.ungrouped(cross_attention_.forward(groups.grouped(x), memory, of_groups));
}

}  // namespace attend::nn
