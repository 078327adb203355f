#include "attend/model/seq2seq.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/attention/mechanism.h"
#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/nn/positions.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/dropout.h"
#include "attend/op/embedding.h"
#include "attend/op/linear.h"
#include "attend/op/shape.h"
#include "model/token_model.h"

namespace attend::model {

namespace {

/// The standard deviation of a matrix at the start; `shrink` is for those that end a branch.
double start_std(const Seq2SeqConfig& config, std::int64_t in, std::int64_t out, double shrink = 1) {
  return config.initialisation_std > 0 ? config.initialisation_std * shrink
                                       : std::sqrt(2 / static_cast<double>(in + out));
}

double embedding_std(const Seq2SeqConfig& config) {
  return config.initialisation_std > 0 ? config.initialisation_std
                                       : 1 / std::sqrt(static_cast<double>(config.dim));
}

/// What blocks have in common, by the number of branches that are added to their stream.
struct Parts {
  Parts(const Seq2SeqConfig& config, std::int64_t branches) : config(config) {
    shrink = 1 / std::sqrt(static_cast<double>(branches));
    if (config.positions == Positions::rotary)
      rotary = std::make_shared<nn::Rotary>(config.context, config.head_dim(), config.rotary_base);
  }

  nn::MultiHeadAttentionOptions attention(const std::string& mechanism, bool causal, bool self) const {
    AttentionSpec spec = attention::mechanism(mechanism, causal);
    // Methods that never make the weights cannot drop any.
    if (spec.gather.kind == attention::Gather::Kind::weighted_sum) spec.weigh.dropout = config.dropout;
    return {.heads = config.heads,
            .key_heads = config.key_heads,
            .attention = spec,
            .longest = config.context,
            .rotary = self ? rotary : nullptr,
            .bias = config.bias,
            .initialisation_std = start_std(config, config.dim, config.dim),
            .output_std = start_std(config, config.dim, config.dim, shrink)};
  }

  nn::FeedForwardOptions feed_forward() const {
    const std::int64_t inner = config.feed_forward_used();
    return {.inner = inner,
            .activation = config.activation,
            .bias = config.bias,
            .initialisation_std = start_std(config, config.dim, inner),
            .output_std = start_std(config, inner, config.dim, shrink)};
  }

  nn::NormOptions norm() const { return {.epsilon = config.norm_epsilon, .bias = config.bias}; }

  const Seq2SeqConfig& config;
  double shrink = 1;
  std::shared_ptr<const nn::Rotary> rotary;
};

nn::TransformerBlockOptions encoder_options(const Seq2SeqConfig& config) {
  const Parts parts(config, 2 * config.encoder_layers);
  return {.attention = parts.attention(config.encoder_attention, false, true),
          .feed_forward = parts.feed_forward(),
          .norm = config.norm,
          .norm_options = parts.norm(),
          .post_norm = config.post_norm,
          .dropout = config.dropout};
}

nn::DecoderBlockOptions decoder_options(const Seq2SeqConfig& config) {
  const Parts parts(config, 3 * config.decoder_layers);
  return {.self_attention = parts.attention(config.decoder_attention, true, true),
          .cross_attention = parts.attention(config.cross_attention, false, false),
          .feed_forward = parts.feed_forward(),
          .norm = config.norm,
          .norm_options = parts.norm(),
          .post_norm = config.post_norm,
          .dropout = config.dropout};
}

bool learns_by_draws(const nn::MultiHeadAttentionOptions& options) {
  return options.attention.weigh.kind == attention::Weigh::Kind::reinforce;
}

}  // namespace

Seq2Seq::Seq2Seq(const Seq2SeqConfig& config, std::uint64_t seed) : config_(config) {
  validate(config);
  Generator random(seed);
  if (config.positions == Positions::sinusoidal)
    sinusoids_ = nn::sinusoidal_positions(config.context, config.dim);
  const nn::TransformerBlockOptions encoder = encoder_options(config);
  const nn::DecoderBlockOptions decoder = decoder_options(config);
  draws_ = learns_by_draws(decoder.self_attention) || learns_by_draws(decoder.cross_attention);
  if (!config.shared_vocabulary)
    make_embedding(source_.tokens, "source_embedding", config.source_vocabulary, random);
  make_embedding(target_.tokens, config.shared_vocabulary ? "embedding" : "target_embedding",
                 config.target_vocabulary, random);
  if (config.positions == Positions::learned) {
    make_embedding(source_.positions, "source_position_embedding", config.context, random);
    make_embedding(target_.positions, "target_position_embedding", config.context, random);
  }
  for (std::int64_t i = 0; i < config.encoder_layers; ++i) {
    encoder_.push_back(std::make_unique<nn::TransformerBlock>(config.dim, encoder, random));
    add_child(fmt::format("encoder.{}", i), *encoder_.back());
  }
  for (std::int64_t i = 0; i < config.decoder_layers; ++i) {
    decoder_.push_back(std::make_unique<nn::DecoderBlock>(config.dim, decoder, random));
    add_child(fmt::format("decoder.{}", i), *decoder_.back());
  }
  if (!config.post_norm) {
    encoder_norm_ = nn::make_norm(config.norm, config.dim, encoder.norm_options);
    decoder_norm_ = nn::make_norm(config.norm, config.dim, decoder.norm_options);
    add_child("encoder_norm", *encoder_norm_);
    add_child("decoder_norm", *decoder_norm_);
  }
  if (!config.tied_embeddings)
    make_embedding(output_embedding_, "output_embedding", config.target_vocabulary, random);
}

void Seq2Seq::make_embedding(std::unique_ptr<nn::Embedding>& embedding, const std::string& name,
                             std::int64_t count, Generator& random) {
  embedding = std::make_unique<nn::Embedding>(
      count, config_.dim, nn::EmbeddingOptions{.initialisation_std = embedding_std(config_)}, random);
  add_child(name, *embedding);
}

const Tensor& Seq2Seq::output_weight() const {
  return (output_embedding_ != nullptr ? output_embedding_ : target_.tokens)->weight();
}

nn::DecoderBlock::Layers Seq2Seq::layers_of(std::size_t block) const {
  const auto i = static_cast<std::int64_t>(block);
  return {config_.decoder_layer(i), config_.cross_layer(i)};
}

Tensor Seq2Seq::embed(const Side& side, const Tensor& tokens, std::int64_t first_place,
                      const nn::Run& run) const {
  const Tensor& table = (side.tokens != nullptr ? side : target_).tokens->weight();
  const DType compute = compute_dtype(table, run);
  const double factor = config_.scaled_embeddings ? std::sqrt(static_cast<double>(config_.dim)) : 1;
  const std::int64_t length = tokens.dim(1);
  const auto scaled = [&](const Tensor& x) { return config_.scaled_embeddings ? op::scale(x, factor) : x; };
  Tensor x;
  if (sinusoids_.defined()) {
    // factor (token + position / factor): the sum is written once.
    const Tensor rows = op::scale(op::slice(sinusoids_, 0, first_place, first_place + length), 1 / factor);
    x = scaled(op::embed_tokens(table, op::cast(rows, table.dtype()), tokens, {.dtype = compute}));
  } else if (side.positions != nullptr) {
    const Tensor rows = op::slice(side.positions->weight(), 0, first_place, first_place + length);
    x = op::add(scaled(op::embedding(table, tokens, {.dtype = compute})), op::cast(rows, compute));
  } else {
    x = scaled(op::embedding(table, tokens, {.dtype = compute}));
  }
  if (run.training && config_.dropout > 0)
    x = op::dropout(x, config_.dropout, nn::dropout_stream(run, config_.dropout));
  return x;
}

Seq2SeqMemory Seq2Seq::encode(const Tensor& source, const Tensor& source_lengths, const nn::Run& run) const {
  check_tokens(source, 0, config_.context);
  check_source_lengths(source_lengths, source);
  nn::Run of_encoder = run;
  of_encoder.key_lengths = source_lengths;
  nn::Residual x{embed(source_, source, 0, run), {}};
  for (std::size_t i = 0; i < encoder_.size(); ++i) {
    const auto call = encoder_[i]->call(of_encoder, config_.encoder_layer(static_cast<std::int64_t>(i)));
    x = run.recompute_blocks && run.draws == nullptr ? encoder_[i]->forward_recomputed(x, call)
                                                     : encoder_[i]->forward(std::move(x), call);
  }
  return {encoder_norm_ != nullptr ? encoder_norm_->forward(x) : x.sum, source_lengths};
}

Tensor Seq2Seq::hidden(const Seq2SeqMemory& memory, const Tensor& target, const nn::Run& run) const {
  check_tokens(target, 0, config_.context);
  nn::Run of_decoder = run;
  of_decoder.key_lengths = {};
  nn::Residual x{embed(target_, target, 0, run), {}};
  for (std::size_t i = 0; i < decoder_.size(); ++i) {
    const auto call = decoder_[i]->call(of_decoder, memory.lengths, layers_of(i));
    // A recomputed block would lose the place of its draws on the tape.
    x = run.recompute_blocks && run.draws == nullptr
            ? decoder_[i]->forward_recomputed(x, memory.states, call)
            : decoder_[i]->forward(std::move(x), decoder_[i]->project(memory.states), call);
  }
  return decoder_norm_ != nullptr ? decoder_norm_->forward(x) : x.sum;
}

Tensor Seq2Seq::logits(const Seq2SeqMemory& memory, const Tensor& target, const nn::Run& run) const {
  return op::linear(hidden(memory, target, run), output_weight());
}

Tensor Seq2Seq::loss(const Tensor& source, const Tensor& source_lengths, const Tensor& target,
                     const Tensor& targets, const nn::Run& run, const LossOptions& options) const {
  check_targets(source, target, targets);
  attention::Draws draws;
  nn::Run drawing = run;
  const bool draws_now = draws_ && run.training;
  if (draws_now) drawing.draws = &draws;
  const Tensor features = hidden(encode(source, source_lengths, drawing), target, drawing);
  return output_loss(features, output_weight(), targets, options, draws_now ? &draws : nullptr);
}

EncoderDecoderConfig Seq2Seq::encoder_decoder_config() const {
  EncoderDecoderConfig config;
  config.transformer = config_;
  return config;
}

Tensor Seq2Seq::logits(const Tensor& source, const Tensor& source_lengths, const Tensor& target,
                       const nn::Run& run) const {
  return logits(encode(source, source_lengths, run), target, run);
}

namespace {

class CacheWriter : public Writer {
 public:
  CacheWriter(const Seq2Seq& model, Seq2SeqCache cache) : model_(model), cache_(std::move(cache)) {}
  std::int64_t rows() const override { return cache_.rows(); }
  Tensor next_logits(const Tensor& tokens, const nn::Run& run) override {
    return model_.next_logits(tokens, cache_, run);
  }
  void reorder(std::span<const std::int32_t> rows) override { cache_.reorder(rows); }

 private:
  const Seq2Seq& model_;
  Seq2SeqCache cache_;
};

}  // namespace

std::unique_ptr<Writer> Seq2Seq::writer(const Tensor& source, const Tensor& source_lengths,
                                        std::int64_t capacity, const nn::Run& run) const {
  const autograd::NoGrad no_grad;
  nn::Run inference = run;
  inference.training = false;
  return std::make_unique<CacheWriter>(*this,
                                       make_cache(encode(source, source_lengths, inference), capacity));
}

Seq2SeqCache Seq2Seq::make_cache(const Seq2SeqMemory& memory, std::int64_t capacity) const {
  check_capacity(capacity, config_.context);
  const std::int64_t rows = memory.states.dim(0);
  Seq2SeqCache cache(rows, memory.lengths);
  for (const auto& block : decoder_)
    cache.layers_.push_back(
        block->make_cache(memory.states, rows, capacity == 0 ? config_.context : capacity));
  return cache;
}

Tensor Seq2Seq::next_logits(const Tensor& tokens, Seq2SeqCache& cache, const nn::Run& run) const {
  const autograd::NoGrad no_grad;
  if (cache.layers_.size() != decoder_.size())
    throw Error(fmt::format("a cache of {} layers for a model of {}", cache.layers_.size(), decoder_.size()));
  check_tokens(tokens, cache.length(), config_.context);
  if (tokens.dim(0) != cache.rows())
    throw Error(fmt::format("tokens {} for a cache of {} rows", tokens.text(), cache.rows()));
  const std::int64_t before = cache.length(), count = tokens.dim(1);
  if (before + count > cache.capacity())
    throw Error(fmt::format("no room for {} more tokens in a cache that holds {} of {}", count, before,
                            cache.capacity()));
  nn::Run inference = run;
  inference.training = false;
  inference.key_lengths = {};
  nn::Residual x{embed(target_, tokens, before, inference), {}};
  try {
    for (std::size_t i = 0; i < decoder_.size(); ++i)
      x = decoder_[i]->forward(std::move(x), cache.layers_[i], cache.groups_,
                               decoder_[i]->call(inference, cache.memory_lengths_, layers_of(i)));
  } catch (...) {
    for (auto& layer : cache.layers_)
      layer.self_attention.truncate(std::min(before, layer.self_attention.length()));
    throw;
  }
  // Only the last token's scores are asked for.
  nn::Residual end{last_token(x.sum), last_token(x.branch)};
  return op::linear(decoder_norm_ != nullptr ? decoder_norm_->forward(end) : end.sum, output_weight());
}

namespace {

std::int64_t matrix_elements(const nn::Module& module, std::string_view without = "-") {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters())
    if (parameter.tensor.rank() == 2 && parameter.name.find(without) == std::string::npos)
      count += parameter.tensor.elements();
  return count;
}

}  // namespace

double Seq2Seq::training_flops(std::int64_t source, std::int64_t target) const {
  double of_source = 0, of_target = static_cast<double>(output_weight().elements());
  for (const auto& block : encoder_) of_source += static_cast<double>(matrix_elements(*block));
  for (const auto& block : decoder_) {
    const std::int64_t all = matrix_elements(*block), mine = matrix_elements(*block, "key_value");
    of_target += static_cast<double>(mine);
    of_source += static_cast<double>(all - mine);
  }
  const auto s = static_cast<double>(source), t = static_cast<double>(target),
             encoders = static_cast<double>(config_.encoder_layers),
             decoders = static_cast<double>(config_.decoder_layers);
  return 6 * (s * of_source + t * of_target) +
         12 * static_cast<double>(config_.dim) * (encoders * s * s + decoders * t * (t + s));
}

}  // namespace attend::model
