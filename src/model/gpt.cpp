#include "attend/model/gpt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/attention/mechanism.h"
#include "attend/attention/reinforce.h"
#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/nn/positions.h"
#include "attend/op/dropout.h"
#include "attend/op/embedding.h"
#include "attend/op/linear.h"
#include "backend/cast.h"
#include "model/token_model.h"

namespace attend::model {

namespace {

AttentionSpec attention_of(const GptConfig& config) {
  AttentionSpec spec = attention::mechanism(config.attention, true);
  // Methods that never make the weights cannot drop any.
  if (spec.gather.kind == attention::Gather::Kind::weighted_sum) spec.weigh.dropout = config.dropout;
  return spec;
}

nn::TransformerBlockOptions block_options(const GptConfig& config, const AttentionSpec& attention) {
  const double output_std = config.initialisation_std / std::sqrt(2.0 * static_cast<double>(config.layers));
  nn::TransformerBlockOptions options;
  options.attention.heads = config.heads;
  options.attention.key_heads = config.key_heads;
  options.attention.attention = attention;
  options.attention.longest = config.context;
  if (config.positions == Positions::rotary)
    options.attention.rotary =
        std::make_shared<nn::Rotary>(config.context, config.head_dim(), config.rotary_base);
  options.attention.bias = config.bias;
  options.attention.initialisation_std = config.initialisation_std;
  options.attention.output_std = output_std;
  options.feed_forward = {.inner = config.feed_forward,
                          .activation = config.activation,
                          .bias = config.bias,
                          .initialisation_std = config.initialisation_std,
                          .output_std = output_std};
  options.norm = config.norm;
  options.norm_options = {.epsilon = config.norm_epsilon, .bias = config.bias};
  options.dropout = config.dropout;
  return options;
}

}  // namespace

void GptCache::truncate(std::int64_t length) {
  for (auto& layer : layers_) layer.truncate(length);
}

void GptCache::reorder(std::span<const std::int32_t> rows) {
  for (auto& layer : layers_) layer.reorder(rows);
}

Gpt::Gpt(const GptConfig& config, std::uint64_t seed) : config_(config) {
  validate(config);
  attention_ = attention_of(config);
  Generator random(seed);
  const nn::EmbeddingOptions embedding{.initialisation_std = config.initialisation_std};
  token_embedding_ = std::make_unique<nn::Embedding>(config.vocabulary, config.dim, embedding, random);
  add_child("token_embedding", *token_embedding_);
  if (config.positions == Positions::learned) {
    position_embedding_ = std::make_unique<nn::Embedding>(config.context, config.dim, embedding, random);
    add_child("position_embedding", *position_embedding_);
  }
  if (config.positions == Positions::sinusoidal)
    sinusoids_ = nn::sinusoidal_positions(config.context, config.dim);
  const nn::TransformerBlockOptions options = block_options(config, attention_);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    blocks_.push_back(std::make_unique<nn::TransformerBlock>(config.dim, options, random));
    add_child(fmt::format("blocks.{}", i), *blocks_.back());
  }
  norm_ = nn::make_norm(config.norm, config.dim, options.norm_options);
  add_child("norm", *norm_);
  if (!config.tied_embeddings) {
    output_embedding_ = std::make_unique<nn::Embedding>(config.vocabulary, config.dim, embedding, random);
    add_child("output_embedding", *output_embedding_);
  }
}

const Tensor& Gpt::output_weight() const {
  return (output_embedding_ != nullptr ? output_embedding_ : token_embedding_)->weight();
}

Tensor Gpt::embed(const Tensor& tokens, std::int64_t first_place, const nn::Run& run) const {
  const DType compute = compute_dtype(token_embedding_->weight(), run);
  const Tensor& table = token_embedding_->weight();
  Tensor x;
  if (position_embedding_ != nullptr) {
    x = op::embed_tokens(table, position_embedding_->weight(), tokens,
                         {.dtype = compute, .offset = first_place});
  } else if (sinusoids_.defined()) {
    const Tensor rows =
        sinusoids_.view_as({tokens.dim(1), config_.dim}, {config_.dim, 1}, first_place * config_.dim);
    x = op::embed_tokens(table, backend::cast(rows, table.dtype()), tokens, {.dtype = compute});
  } else {
    x = token_embedding_->forward(tokens, compute);
  }
  if (run.training && config_.dropout > 0)
    x = op::dropout(x, config_.dropout, nn::dropout_stream(run, config_.dropout));
  return x;
}

Tensor Gpt::hidden(const Tensor& tokens, const nn::Run& run) const {
  check_tokens(tokens, 0, config_.context);
  nn::Residual x{embed(tokens, 0, run), {}};
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const auto call = blocks_[i]->call(run, static_cast<std::int64_t>(i));
    // A recomputed block would lose the place of its draws on the tape.
    x = run.recompute_blocks && run.draws == nullptr ? blocks_[i]->forward_recomputed(x, call)
                                                     : blocks_[i]->forward(std::move(x), call);
  }
  return norm_->forward(x);
}

Tensor Gpt::logits(const Tensor& tokens, const nn::Run& run) const {
  return op::linear(hidden(tokens, run), output_weight());
}

Tensor Gpt::loss(const Tensor& tokens, const Tensor& targets, const nn::Run& run,
                 const LossOptions& options) const {
  if (!(targets.shape() == tokens.shape()))
    throw Error(
        fmt::format("targets {} for tokens {}: the same shape needed", targets.text(), tokens.text()));
  if (!run.training || attention_.weigh.kind != attention::Weigh::Kind::reinforce)
    return output_loss(hidden(tokens, run), output_weight(), targets, options);
  attention::Draws draws;
  nn::Run drawing = run;
  drawing.draws = &draws;
  const Tensor features = hidden(tokens, drawing);
  return output_loss(features, output_weight(), targets, options, &draws);
}

GptCache Gpt::make_cache(std::int64_t batch, std::int64_t capacity, const nn::Run& run) const {
  if (capacity > config_.context)
    throw Error(fmt::format("a cache for {} tokens is more than the model's context of {}", capacity,
                            config_.context));
  GptCache cache;
  const DType dtype = compute_dtype(token_embedding_->weight(), run);
  for (const auto& block : blocks_)
    cache.layers_.push_back(block->make_cache(batch, capacity == 0 ? config_.context : capacity, dtype));
  return cache;
}

Tensor Gpt::next_logits(const Tensor& tokens, GptCache& cache, const nn::Run& run) const {
  const autograd::NoGrad no_grad;
  if (cache.layers_.size() != blocks_.size())
    throw Error(fmt::format("a cache of {} layers for a model of {}", cache.layers_.size(), blocks_.size()));
  check_tokens(tokens, cache.length(), config_.context);
  if (tokens.dim(0) != cache.batch())
    throw Error(fmt::format("tokens {} for a cache of batch {}", tokens.text(), cache.batch()));
  const std::int64_t before = cache.length(), count = tokens.dim(1);
  if (before + count > cache.capacity())
    throw Error(fmt::format("no room for {} more tokens in a cache that holds {} of {}", count, before,
                            cache.capacity()));
  nn::Run inference = run;
  inference.training = false;
  nn::Residual x{embed(tokens, before, inference), {}};
  try {
    for (std::size_t i = 0; i < blocks_.size(); ++i)
      x = blocks_[i]->forward(std::move(x), cache.layers_[i],
                              blocks_[i]->call(inference, static_cast<std::int64_t>(i)));
  } catch (...) {
    for (auto& layer : cache.layers_) layer.truncate(std::min(before, layer.length()));
    throw;
  }
  // Only the last token's scores are asked for.
  nn::Residual end{last_token(x.sum), last_token(x.branch)};
  return op::linear(norm_->forward(end), output_weight());
}

std::int64_t Gpt::matmul_parameters() const {
  std::int64_t count = output_weight().elements();
  for (const auto& block : blocks_)
    for (const auto& parameter : block->parameters())
      if (parameter.tensor.rank() == 2) count += parameter.tensor.elements();
  return count;
}

double Gpt::training_flops_per_token(std::int64_t length) const {
  return 6.0 * static_cast<double>(matmul_parameters()) + 12.0 * static_cast<double>(config_.layers) *
                                                              static_cast<double>(config_.dim) *
                                                              static_cast<double>(length);
}

}  // namespace attend::model
