#include "attend/model/rnn_seq2seq.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/attention/mechanism.h"
#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/activation.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/dropout.h"
#include "attend/op/embedding.h"
#include "attend/op/linear.h"
#include "attend/op/shape.h"
#include "model/token_model.h"
#include "nn/branch.h"

namespace attend::model {

namespace {

double glorot(std::int64_t in, std::int64_t out) {
  return std::sqrt(2 / static_cast<double>(in + out));
}

std::unique_ptr<nn::Linear> linear(std::int64_t in, std::int64_t out, bool bias, Generator& random) {
  return std::make_unique<nn::Linear>(
      in, out, nn::LinearOptions{.bias = bias, .initialisation_std = glorot(in, out)}, random);
}

/// [a, b, ...] to [b, a, ...]: cells take a token of all rows at once, all else the tokens of a row.
Tensor turned(const Tensor& x) {
  return op::contiguous(op::transpose(x, 0, 1));
}

Tensor picked(const Tensor& x, const Tensor& rows) {
  if (!x.defined()) return {};
  const Tensor table = op::reshape(op::contiguous(x), {x.dim(0), x.elements() / x.dim(0)});
  Shape shape = x.shape();
  shape.set(0, rows.dim(0));
  return op::reshape(op::embedding(table, rows), shape);
}

Tensor indices(std::span<const std::int32_t> rows) {
  return Tensor::from(rows, {static_cast<std::int64_t>(rows.size())});
}

}  // namespace

/// What a decoder looks at, and where it is.
struct RnnSeq2Seq::Decoding {
  const nn::GlobalAttention::Memory& memory;
  const Tensor& lengths;
  std::vector<op::RecurrentState> states;  ///< of each layer, moved on by each token
  const nn::RowGroups* groups = nullptr;   ///< while writing: which rows look at which memory
};

RnnSeq2Seq::RnnSeq2Seq(const RnnSeq2SeqConfig& config, std::uint64_t seed) : config_(config) {
  validate(config);
  Generator random(seed);
  const bool attentive_cell = config.decoder == RnnDecoder::bahdanau;
  if (!config.shared_vocabulary)
    make_embedding(source_embedding_, "source_embedding", config.source_vocabulary, random);
  make_embedding(target_embedding_, config.shared_vocabulary ? "embedding" : "target_embedding",
                 config.target_vocabulary, random);
  for (std::int64_t i = 0; i < config.encoder_layers; ++i) {
    encoder_.push_back(std::make_unique<nn::BidirectionalRecurrent>(i == 0 ? config.dim : config.hidden,
                                                                    config.hidden, config.cell, random));
    add_child(fmt::format("encoder.{}", i), *encoder_.back());
  }
  for (std::int64_t i = 0; i < config.decoder_layers; ++i) {
    start_.push_back(linear(config.hidden, config.hidden, true, random));
    add_child(fmt::format("start.{}", i), *start_.back());
    if (config.cell == op::RecurrentCell::lstm) {
      start_cell_.push_back(linear(config.hidden, config.hidden, true, random));
      add_child(fmt::format("start_cell.{}", i), *start_cell_.back());
    }
    decoder_.push_back(std::make_unique<nn::Recurrent>(i == 0 ? config.dim : config.hidden, config.hidden,
                                                       nn::RecurrentOptions{.cell = config.cell}, random));
    add_child(fmt::format("decoder.{}", i), *decoder_.back());
  }
  if (attentive_cell) {
    context_ = linear(config.hidden, op::gates_of(config.cell) * config.hidden, false, random);
    add_child("context", *context_);
  }
  const AttentionSpec attention = attention::mechanism(config.attention);
  draws_ = nn::draws_random_numbers(attention);
  attention_ = std::make_unique<nn::GlobalAttention>(
      config.hidden, nn::GlobalAttentionOptions{.heads = config.heads, .attention = attention}, random);
  add_child("attention", *attention_);
  readout_ = linear(2 * config.hidden + (attentive_cell ? config.dim : 0), config.dim, true, random);
  add_child("readout", *readout_);
  if (!config.tied_embeddings)
    make_embedding(output_embedding_, "output_embedding", config.target_vocabulary, random);
}

void RnnSeq2Seq::make_embedding(std::unique_ptr<nn::Embedding>& embedding, const std::string& name,
                                std::int64_t count, Generator& random) {
  const double std = 1 / std::sqrt(static_cast<double>(config_.dim));
  embedding = std::make_unique<nn::Embedding>(count, config_.dim,
                                              nn::EmbeddingOptions{.initialisation_std = std}, random);
  add_child(name, *embedding);
}

EncoderDecoderConfig RnnSeq2Seq::encoder_decoder_config() const {
  EncoderDecoderConfig config;
  config.kind = EncoderDecoderKind::rnn;
  config.rnn = config_;
  return config;
}

const Tensor& RnnSeq2Seq::output_weight() const {
  return (output_embedding_ != nullptr ? output_embedding_ : target_embedding_)->weight();
}

Tensor RnnSeq2Seq::dropped(const Tensor& x, const nn::Run& run) const {
  if (!run.training || config_.dropout == 0) return x;
  return op::dropout(x, config_.dropout, nn::dropout_stream(run, config_.dropout));
}

Tensor RnnSeq2Seq::embed(const nn::Embedding& table, const Tensor& tokens, const nn::Run& run) const {
  const Tensor x =
      op::embedding(table.weight(), turned(tokens), {.dtype = compute_dtype(table.weight(), run)});
  return dropped(op::scale(x, std::sqrt(static_cast<double>(config_.dim))), run);
}

RnnMemory RnnSeq2Seq::encode(const Tensor& source, const Tensor& source_lengths, const nn::Run& run) const {
  check_tokens(source, 0, config_.context);
  check_source_lengths(source_lengths, source);
  Tensor x = embed(source_embedding_ != nullptr ? *source_embedding_ : *target_embedding_, source, run);
  op::RecurrentState last;
  for (const auto& layer : encoder_) {
    const op::RecurrentResult result = layer->forward(x, source_lengths);
    x = dropped(result.outputs, run);
    last = result.last;
  }
  RnnMemory memory{.states = attention_->prepare(turned(x)), .lengths = source_lengths, .start = {}};
  for (std::size_t i = 0; i < decoder_.size(); ++i) {
    op::RecurrentState start{.hidden = op::activate(start_[i]->forward(last.hidden), Activation::tanh)};
    if (last.cell.defined())
      start.cell =
          op::cast(start_cell_[i]->forward(op::cast(last.cell, last.hidden.dtype())), last.cell.dtype());
    memory.start.push_back(std::move(start));
  }
  return memory;
}

attention::Run RnnSeq2Seq::attention_run(const Decoding& at, const nn::Run& run) const {
  // What has no random numbers draws no streams.
  return {.training = run.training,
          .random = nn::dropout_stream(run, draws_ ? 1 : 0),
          .observer = run.observer,
          .layer = 0,
          .key_lengths = at.lengths};
}

/// states [batch, n, hidden].
Tensor RnnSeq2Seq::look(const Tensor& states, const Decoding& at, const attention::Run& run) const {
  return at.groups == nullptr ? attention_->forward(states, at.memory, run)
                              : attention_->forward(states, at.memory, *at.groups, run);
}

/// The states of a cell that gets the context of the state before, and these contexts, both [length, batch,
/// hidden].
Tensor RnnSeq2Seq::attentive_steps(const Tensor& embedded, Decoding& at, const nn::Run& run,
                                   Tensor& contexts) const {
  const std::int64_t length = embedded.dim(0), batch = embedded.dim(1), hidden = config_.hidden;
  const autograd::Tensors projected = op::split(
      decoder_[0]->project(embedded), 0, std::vector<std::int64_t>(static_cast<std::size_t>(length), 1));
  // An observer is told once, of all tokens.
  const bool told_later = run.observer != nullptr && length > 1;
  nn::Run quiet = run;
  if (told_later) quiet.observer = nullptr;
  autograd::Tensors queries, seen, states;
  for (const Tensor& input : projected) {
    const Tensor query = op::reshape(at.states[0].hidden, {batch, 1, hidden});
    seen.push_back(op::reshape(look(query, at, attention_run(at, quiet)), {1, batch, hidden}));
    op::RecurrentResult result =
        decoder_[0]->steps(op::add(input, context_->forward(seen.back())), at.states[0]);
    at.states[0] = result.last;
    states.push_back(result.outputs);
    if (told_later) queries.push_back(query);
  }
  if (told_later) {
    const autograd::NoGrad no_grad;
    nn::Run telling = run;
    telling.training = false;
    look(op::concatenate(queries, 1), at, attention_run(at, telling));
  }
  contexts = op::concatenate(seen, 0);
  return op::concatenate(states, 0);
}

/// What the next tokens are chosen by, [length, batch, dim].
Tensor RnnSeq2Seq::features(const Tensor& target, Decoding& at, const nn::Run& run) const {
  const Tensor embedded = embed(*target_embedding_, target, run);
  const bool attentive_cell = config_.decoder == RnnDecoder::bahdanau;
  Tensor x = embedded, contexts;
  for (std::size_t i = 0; i < decoder_.size(); ++i) {
    if (i == 0 && attentive_cell) {
      x = attentive_steps(embedded, at, run, contexts);
      continue;
    }
    const op::RecurrentResult result = decoder_[i]->forward(i == 0 ? x : dropped(x, run), at.states[i]);
    at.states[i] = result.last;
    x = result.outputs;
  }
  if (!attentive_cell) contexts = turned(look(turned(x), at, attention_run(at, run)));
  autograd::Tensors parts = {x, contexts};
  if (attentive_cell) parts.push_back(embedded);
  return dropped(op::activate(readout_->forward(op::concatenate(parts, 2)), Activation::tanh), run);
}

Tensor RnnSeq2Seq::logits(const RnnMemory& memory, const Tensor& target, const nn::Run& run) const {
  check_tokens(target, 0, config_.context);
  Decoding at{.memory = memory.states, .lengths = memory.lengths, .states = memory.start};
  return op::linear(turned(features(target, at, run)), output_weight());
}

Tensor RnnSeq2Seq::logits(const Tensor& source, const Tensor& source_lengths, const Tensor& target,
                          const nn::Run& run) const {
  return logits(encode(source, source_lengths, run), target, run);
}

Tensor RnnSeq2Seq::loss(const Tensor& source, const Tensor& source_lengths, const Tensor& target,
                        const Tensor& targets, const nn::Run& run, const LossOptions& options) const {
  check_tokens(target, 0, config_.context);
  check_targets(source, target, targets);
  const RnnMemory memory = encode(source, source_lengths, run);
  Decoding at{.memory = memory.states, .lengths = memory.lengths, .states = memory.start};
  return output_loss(features(target, at, run), output_weight(), turned(targets), options);
}

class RnnSeq2Seq::RowWriter : public Writer {
 public:
  RowWriter(const RnnSeq2Seq& model, RnnMemory memory, std::int64_t capacity)
      : model_(model),
        memory_(std::move(memory)),
        groups_(nn::RowGroups::one_to_one(memory_.states.values.dim(0))),
        capacity_(capacity) {}

  std::int64_t rows() const override { return groups_.rows(); }

  Tensor next_logits(const Tensor& tokens, const nn::Run& run) override {
    const autograd::NoGrad no_grad;
    check_tokens(tokens, length_, capacity_);
    if (tokens.dim(0) != rows())
      throw Error(fmt::format("tokens {} for a writer of {} rows", tokens.text(), rows()));
    nn::Run inference = run;
    inference.training = false;
    Decoding at{
        .memory = memory_.states, .lengths = memory_.lengths, .states = memory_.start, .groups = &groups_};
    const Tensor features = model_.features(tokens, at, inference);
    memory_.start = std::move(at.states);
    length_ += tokens.dim(1);
    const Tensor last = op::slice(features, 0, tokens.dim(1) - 1, tokens.dim(1));
    return op::linear(op::reshape(last, {rows(), model_.config_.dim}), model_.output_weight());
  }

  void reorder(std::span<const std::int32_t> rows) override {
    const autograd::NoGrad no_grad;
    nn::RowGroups::Reordered next = groups_.reordered(rows);
    const Tensor places = indices(rows);
    for (op::RecurrentState& state : memory_.start)
      state = {.hidden = picked(state.hidden, places), .cell = picked(state.cell, places)};
    if (static_cast<std::int64_t>(next.kept.size()) < groups_.memories()) {
      const Tensor kept = indices(next.kept);
      memory_.states = {.keys = picked(memory_.states.keys, kept),
                        .values = picked(memory_.states.values, kept)};
      memory_.lengths = picked_lengths(memory_.lengths, next.kept);
    }
    groups_ = std::move(next.groups);
  }

 private:
  const RnnSeq2Seq& model_;
  RnnMemory memory_;  // its start is the state of now
  nn::RowGroups groups_;
  std::int64_t capacity_, length_ = 0;
};

std::unique_ptr<Writer> RnnSeq2Seq::writer(const Tensor& source, const Tensor& source_lengths,
                                           std::int64_t capacity, const nn::Run& run) const {
  const autograd::NoGrad no_grad;
  check_capacity(capacity, config_.context);
  nn::Run inference = run;
  inference.training = false;
  return std::make_unique<RowWriter>(*this, encode(source, source_lengths, inference),
                                     capacity == 0 ? config_.context : capacity);
}

}  // namespace attend::model
