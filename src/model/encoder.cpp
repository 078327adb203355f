#include "attend/model/encoder.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/attention/mechanism.h"
#include "attend/base/error.h"
#include "attend/nn/padding.h"
#include "attend/nn/positions.h"
#include "attend/op/arithmetic.h"
#include "attend/op/dropout.h"
#include "attend/op/embedding.h"
#include "backend/cast.h"
#include "model/token_model.h"

namespace attend::model {

namespace {

AttentionSpec attention_of(const EncoderConfig& config) {
  AttentionSpec spec = attention::mechanism(config.attention, false);
  // Methods that never make the weights cannot drop any.
  if (spec.gather.kind == attention::Gather::Kind::weighted_sum) spec.weigh.dropout = config.dropout;
  return spec;
}

nn::TransformerBlockOptions block_options(const EncoderConfig& config) {
  const double output_std = config.initialisation_std / std::sqrt(2.0 * static_cast<double>(config.layers));
  nn::TransformerBlockOptions options;
  options.attention.heads = config.heads;
  options.attention.key_heads = config.key_heads;
  options.attention.attention = attention_of(config);
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
  options.post_norm = config.post_norm;
  options.dropout = config.dropout;
  return options;
}

}  // namespace

Encoder::Encoder(const EncoderConfig& config, std::uint64_t seed) : config_(config) {
  validate(config);
  Generator random(seed);
  const auto add_table = [&](const char* name, std::unique_ptr<nn::Embedding>& table, std::int64_t count) {
    table = std::make_unique<nn::Embedding>(
        count, config.dim, nn::EmbeddingOptions{.initialisation_std = config.initialisation_std}, random);
    add_child(name, *table);
  };
  add_table("token_embedding", token_embedding_, config.vocabulary);
  if (config.positions == Positions::learned)
    add_table("position_embedding", position_embedding_, config.context);
  if (config.positions == Positions::sinusoidal)
    sinusoids_ = nn::sinusoidal_positions(config.context, config.dim);
  if (config.segments > 0) add_table("segment_embedding", segment_embedding_, config.segments);
  const nn::TransformerBlockOptions options = block_options(config);
  if (config.embedding_norm) {
    embedding_norm_ = nn::make_norm(config.norm, config.dim, options.norm_options);
    add_child("embedding_norm", *embedding_norm_);
  }
  for (std::int64_t i = 0; i < config.layers; ++i) {
    blocks_.push_back(std::make_unique<nn::TransformerBlock>(config.dim, options, random));
    add_child(fmt::format("blocks.{}", i), *blocks_.back());
  }
  if (config.post_norm) return;  // the last block has normalised the stream
  norm_ = nn::make_norm(config.norm, config.dim, options.norm_options);
  add_child("norm", *norm_);
}

void Encoder::check(const EncoderInput& input) const {
  const Tensor& tokens = input.tokens;
  check_tokens(tokens, 0, config_.context);
  if (!input.segments.defined()) return;
  if (config_.segments == 0)
    throw Error(fmt::format("segments {} given to a model that has none", input.segments.text()));
  if (!(input.segments.shape() == tokens.shape()))
    throw Error(fmt::format("segments {} for tokens {}: the same shape needed", input.segments.text(),
                            tokens.text()));
}

Tensor Encoder::embed(const EncoderInput& input, const nn::Run& run) const {
  check(input);
  const DType compute = compute_dtype(token_embedding_->weight(), run);
  const Tensor &tokens = input.tokens, &table = token_embedding_->weight();
  Tensor x;
  if (position_embedding_ != nullptr) {
    x = op::embed_tokens(table, position_embedding_->weight(), tokens, {.dtype = compute});
  } else if (sinusoids_.defined()) {
    const Tensor rows = sinusoids_.view_as({tokens.dim(1), config_.dim}, {config_.dim, 1});
    x = op::embed_tokens(table, backend::cast(rows, table.dtype()), tokens, {.dtype = compute});
  } else {
    x = token_embedding_->forward(tokens, compute);
  }
  if (segment_embedding_ == nullptr) return x;
  const Tensor segments =
      input.segments.defined() ? input.segments : Tensor::zeros(tokens.shape(), DType::i32);
  return op::add(x, segment_embedding_->forward(segments, compute));
}

Tensor Encoder::encode(const Tensor& embedded, const Tensor& lengths, const nn::Run& run) const {
  if (embedded.rank() != 3 || embedded.dim(2) != config_.dim || embedded.elements() == 0)
    throw Error(fmt::format("embeddings {}: [batch, length, {}] needed", embedded.text(), config_.dim));
  if (lengths.defined()) nn::real_tokens(lengths, embedded.dim(0), embedded.dim(1));
  nn::Run padded = run;
  padded.key_lengths = lengths;
  nn::Residual x{embedding_norm_ == nullptr ? embedded : embedding_norm_->forward(embedded), {}};
  if (run.training && config_.dropout > 0)
    x.sum = op::dropout(x.sum, config_.dropout, nn::dropout_stream(run, config_.dropout));
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const auto call = blocks_[i]->call(padded, static_cast<std::int64_t>(i));
    x = run.recompute_blocks ? blocks_[i]->forward_recomputed(x, call)
                             : blocks_[i]->forward(std::move(x), call);
  }
  return norm_ == nullptr ? x.sum : norm_->forward(x);
}

Tensor Encoder::features(const EncoderInput& input, const nn::Run& run) const {
  return encode(embed(input, run), input.lengths, run);
}

std::int64_t Encoder::matmul_parameters() const {
  std::int64_t count = 0;
  for (const auto& block : blocks_)
    for (const auto& parameter : block->parameters())
      if (parameter.tensor.rank() == 2) count += parameter.tensor.elements();
  return count;
}

double Encoder::training_flops_per_token(std::int64_t length) const {
  return 6.0 * static_cast<double>(matmul_parameters()) + 12.0 * static_cast<double>(config_.layers) *
                                                              static_cast<double>(config_.dim) *
                                                              static_cast<double>(length);
}

}  // namespace attend::model
