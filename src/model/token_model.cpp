#include "model/token_model.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/linear.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/unary.h"

namespace attend::model {

namespace {

// From this vocabulary on, memory for the logits costs more than computing them twice.
constexpr std::int64_t kLargeVocabulary = 4096;

Tensor cross_entropy(const Tensor& features, const Tensor& weight, const Tensor& targets,
                     op::Reduction reduction, const LossOptions& options) {
  if (weight.dim(0) >= kLargeVocabulary)
    return op::linear_cross_entropy(features, weight, targets,
                                    {.reduction = reduction,
                                     .label_smoothing = options.label_smoothing,
                                     .ignore_index = options.ignored_target});
  return op::cross_entropy(op::linear(features, weight), targets,
                           {.reduction = reduction,
                            .label_smoothing = options.label_smoothing,
                            .ignore_index = options.ignored_target});
}

// Losses [batch, length] to rewards -loss less the mean of the other rows, [batch, 1, length] (Kool et al.,
// "Buy 4 REINFORCE Samples, Get a Baseline for Free!", 2019).
Tensor advantage_of(const Tensor& losses) {
  const std::int64_t batch = losses.dim(0);
  Tensor reward = op::negate(losses);
  if (batch > 1) {
    const Tensor above_mean = op::subtract(reward, op::mean(reward, {.axes = {0}, .keep_axes = true}));
    reward = op::scale(above_mean, static_cast<double>(batch) / static_cast<double>(batch - 1));
  }
  return op::reshape(reward, {batch, 1, losses.dim(1)});
}

}  // namespace

DType compute_dtype(const Tensor& weights, const nn::Run& run) {
  if (weights.dtype() != DType::f32) return weights.dtype();
  if (run.compute != DType::f32 && run.compute != DType::bf16)
    throw Error(fmt::format("a model with f32 parameters cannot compute in {}: f32 or bf16 needed",
                            name_of(run.compute)));
  return run.compute;
}

void check_tokens(const Tensor& tokens, std::int64_t before, std::int64_t context) {
  if (tokens.rank() != 2 || tokens.elements() == 0)
    throw Error(fmt::format("tokens {}: [batch, length] with at least one token needed", tokens.text()));
  if (before + tokens.dim(1) > context)
    throw Error(
        fmt::format("{} tokens are more than the model's context of {}", before + tokens.dim(1), context));
}

void check_source_lengths(const Tensor& lengths, const Tensor& source) {
  if (!lengths.defined()) return;
  if (lengths.dtype() != DType::i32 || !(lengths.shape() == Shape{source.dim(0)}) || !lengths.is_contiguous())
    throw Error(fmt::format("source_lengths {} for a source {}: i32 [{}] needed", lengths.text(),
                            source.text(), source.dim(0)));
  for (std::int64_t i = 0; i < lengths.dim(0); ++i)
    if (const std::int32_t length = lengths.data<std::int32_t>()[i]; length < 1 || length > source.dim(1))
      throw Error(fmt::format("source length {} of row {}: 1 to {} needed", length, i, source.dim(1)));
}

void check_targets(const Tensor& source, const Tensor& target, const Tensor& targets) {
  if (!(targets.shape() == target.shape()))
    throw Error(
        fmt::format("targets {} for a target {}: the same shape needed", targets.text(), target.text()));
  if (target.rank() == 2 && source.rank() == 2 && target.dim(0) != source.dim(0))
    throw Error(fmt::format("source {} and target {}: as many rows needed", source.text(), target.text()));
}

void check_capacity(std::int64_t capacity, std::int64_t context) {
  if (capacity > context)
    throw Error(
        fmt::format("a cache for {} tokens is more than the model's context of {}", capacity, context));
}

Tensor picked_lengths(const Tensor& values, std::span<const std::int32_t> places) {
  if (!values.defined()) return {};
  std::vector<std::int32_t> result;
  for (const std::int32_t place : places) result.push_back(values.data<std::int32_t>()[place]);
  return Tensor::from(result, {static_cast<std::int64_t>(result.size())});
}

Tensor output_loss(const Tensor& features, const Tensor& weight, const Tensor& targets,
                   const LossOptions& options, const attention::Draws* draws) {
  Tensor advantage;
  if (draws != nullptr) {
    const autograd::NoGrad no_grad;
    advantage = advantage_of(cross_entropy(features, weight, targets, op::Reduction::none, options));
  }
  Tensor loss = cross_entropy(features, weight, targets, op::Reduction::mean, options);
  if (draws == nullptr) return loss;
  for (const Tensor& log_probability : draws->log_probabilities) {
    // The mean over tokens, as the loss; it adds its gradient and the value 0.
    const Tensor term = op::scale(attention::reinforce_loss(log_probability, advantage),
                                  1 / static_cast<double>(targets.dim(1)));
    loss = op::add(loss, op::subtract(term, term.detach()));
  }
  return loss;
}

Tensor last_token(const Tensor& x) {
  if (!x.defined()) return {};
  return x.view_as({x.dim(0), x.dim(2)}, {x.strides()[0], x.strides()[2]}, (x.dim(1) - 1) * x.strides()[1]);
}

}  // namespace attend::model
