#include "attend/decode/seq2seq.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"

namespace attend::decode {

namespace {

/// Keeps what one cross-attention looked at with the newest token, and hands all on.
class Collector : public attention::Observer {
 public:
  Collector(std::int64_t layer, std::int64_t head, attention::Observer* next)
      : layer_(layer), head_(head), next_(next) {}

  bool wants(std::int64_t layer) override {
    next_wants_ = next_ != nullptr && next_->wants(layer);
    return next_wants_ || layer == layer_;
  }
  void observe(std::int64_t layer, const Tensor& weights) override {
    if (next_wants_) next_->observe(layer, weights);
    if (layer != layer_) return;
    const std::int64_t newest = weights.dim(2) - 1;
    const Tensor last = op::slice(weights, 2, newest, newest + 1);
    const Tensor one = head_ < 0 ? op::mean(last, {.axes = {1}}) : op::slice(last, 1, head_, head_ + 1);
    attention_ = op::reshape(op::contiguous(one), {weights.dim(0), weights.dim(3)});
  }
  std::optional<attention::StatisticsOptions> wants_statistics(std::int64_t layer) override {
    return next_ == nullptr ? std::nullopt : next_->wants_statistics(layer);
  }
  void observe_statistics(std::int64_t layer, const attention::Statistics& statistics) override {
    next_->observe_statistics(layer, statistics);
  }
  const Tensor& attention() const { return attention_; }

 private:
  std::int64_t layer_, head_;
  attention::Observer* next_;
  bool next_wants_ = false;
  Tensor attention_;
};

std::int64_t observed_layer(const model::EncoderDecoderConfig& config, const AttentionChoice& choice) {
  const std::int64_t layers = config.cross_layers(),
                     layer = choice.layer < 0 ? layers + choice.layer : choice.layer;
  if (layer < 0 || layer >= layers)
    throw Error(
        fmt::format("attention of decoder layer {}: -{} to {} accepted", choice.layer, layers, layers - 1));
  if (choice.head < -1 || choice.head >= config.heads())
    throw Error(fmt::format("attention of head {}: 0 to {}, or -1 for the mean, accepted", choice.head,
                            config.heads() - 1));
  return config.cross_layer(layer);
}

bool moves(std::span<const std::int32_t> parents, std::int64_t rows) {
  if (static_cast<std::int64_t>(parents.size()) != rows) return true;
  for (std::size_t i = 0; i < parents.size(); ++i)
    if (parents[i] != static_cast<std::int32_t>(i)) return true;
  return false;
}

std::vector<std::int64_t> lengths_of(const Tensor& source, const Tensor& source_lengths) {
  if (source_lengths.defined()) return source_lengths.to_vector<std::int64_t>();
  return std::vector<std::int64_t>(static_cast<std::size_t>(source.dim(0)), source.dim(1));
}

}  // namespace

StepFunction steps_of(std::unique_ptr<model::Writer> writer, const model::EncoderDecoderConfig& config,
                      const std::optional<AttentionChoice>& attention, const nn::Run& run) {
  const std::int64_t layer = attention ? observed_layer(config, *attention) : -1;
  const std::int64_t head = attention ? attention->head : -1;
  // A function can be copied.
  const std::shared_ptr<model::Writer> shared = std::move(writer);
  return [shared, layer, head, run](std::span<const std::int32_t> tokens,
                                    std::span<const std::int32_t> parents) {
    if (moves(parents, shared->rows())) shared->reorder(parents);
    const Tensor newest = Tensor::from(tokens, {static_cast<std::int64_t>(tokens.size()), 1});
    if (layer < 0) return Step{.scores = shared->next_logits(newest, run)};
    Collector collector(layer, head, run.observer);
    nn::Run observed = run;
    observed.observer = &collector;
    const Tensor scores = shared->next_logits(newest, observed);
    return Step{.scores = scores, .attention = collector.attention()};
  };
}

std::vector<std::vector<Hypothesis>> beam_search(const model::EncoderDecoder& model, const Tensor& source,
                                                 const Tensor& source_lengths, const Seq2SeqSearch& search) {
  validate(search.beam);
  const autograd::NoGrad no_grad;
  nn::Run run = search.run;
  run.training = false;
  const model::EncoderDecoderConfig config = model.encoder_decoder_config();
  BeamOptions options = search.beam;
  options.max_length = std::min(options.max_length, config.context() - 1);
  std::optional<AttentionChoice> attention = search.attention;
  if (!attention && options.coverage_penalty > 0) attention.emplace();
  const std::vector<std::int64_t> lengths = lengths_of(source, source_lengths);
  std::int64_t capacity = options.max_length + 1;
  if (options.max_ratio > 0) {
    const double most = options.max_ratio * static_cast<double>(*std::ranges::max_element(lengths)) +
                        static_cast<double>(options.max_extra) + 1;
    if (most < static_cast<double>(capacity)) capacity = static_cast<std::int64_t>(most);
  }
  return beam_search(lengths,
                     steps_of(model.writer(source, source_lengths, capacity, run), config, attention, run),
                     options);
}

}  // namespace attend::decode
