#include "attend/task/mechanism_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "attend/attention/reinforce.h"
#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/nn/embedding.h"
#include "attend/nn/transformer_block.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/train/optimizer.h"
#include "attend/train/schedule.h"

namespace attend::task {

namespace {

using Clock = std::chrono::steady_clock;

// Larger than usual: with embeddings of 0.02 no mechanism finds out in a few hundred steps that tokens can be
// matched.
constexpr double kEmbeddingStd = 0.5;

// Scores of the classes at each place.
class Tagger : public nn::Module {
 public:
  Tagger(const AttentionSpec& mechanism, const data::SyntheticTask& task, const ComparisonOptions& options,
         Generator& random)
      : tokens_(task.vocabulary, options.dim, {.initialisation_std = kEmbeddingStd}, random),
        positions_(task.length, options.dim, {.initialisation_std = kEmbeddingStd}, random),
        norm_(options.dim),
        head_(options.dim, task.classes, {}, random) {
    add_child("token_embedding", tokens_);
    add_child("position_embedding", positions_);
    nn::TransformerBlockOptions block;
    block.attention.heads = options.heads;
    const double std = 1 / std::sqrt(static_cast<double>(options.dim));
    block.attention.initialisation_std = block.attention.output_std = std;
    block.feed_forward.initialisation_std = block.feed_forward.output_std = std;
    block.attention.attention = mechanism;
    block.attention.longest = task.length;
    for (std::int64_t i = 0; i < options.layers; ++i) {
      blocks_.push_back(std::make_unique<nn::TransformerBlock>(options.dim, block, random));
      add_child("blocks." + std::to_string(i), *blocks_.back());
    }
    add_child("norm", norm_);
    add_child("head", head_);
  }

  Tensor forward(const Tensor& tokens, const nn::Run& run) const {
    std::vector<std::int32_t> places(static_cast<std::size_t>(tokens.dim(1)));
    std::iota(places.begin(), places.end(), 0);
    nn::Residual x = {
        op::add(tokens_.forward(tokens), positions_.forward(Tensor::from(places, {tokens.dim(1)}))), {}};
    for (std::size_t i = 0; i < blocks_.size(); ++i)
      x = blocks_[i]->forward(x, blocks_[i]->call(run, static_cast<std::int64_t>(i)));
    return head_.forward(norm_.forward(x));
  }

 private:
  nn::Embedding tokens_, positions_;
  std::vector<std::unique_ptr<nn::TransformerBlock>> blocks_;
  nn::LayerNorm norm_;
  nn::Linear head_;
};

Tensor loss_of(const Tensor& scores, const data::SyntheticBatch& batch) {
  return op::cross_entropy(scores, batch.targets, {.ignore_index = data::kNoTarget});
}

struct Counts {
  std::int64_t right = 0, asked = 0;
};

Counts count(const Tensor& scores, const data::SyntheticBatch& batch) {
  const std::vector<float> numbers = scores.to_vector<float>();
  const std::int64_t classes = scores.dim(2);
  Counts counts;
  auto row = numbers.begin();
  for (const std::int32_t target : batch.targets.to_vector<std::int32_t>()) {
    if (target != data::kNoTarget) {
      ++counts.asked;
      counts.right += std::max_element(row, row + classes) - row == target ? 1 : 0;
    }
    row += classes;
  }
  return counts;
}

// The loss, and for attention that draws keys the score-function estimate of its gradient: the reward of a
// draw is the mean log-likelihood of the targets in its row.
Tensor training_loss(const Tensor& scores, const data::SyntheticBatch& batch, const attention::Draws& draws,
                     attention::Baseline& baseline) {
  Tensor loss = loss_of(scores, batch);
  if (draws.log_probabilities.empty()) return loss;
  const Tensor losses = op::cross_entropy(
      scores.detach(), batch.targets, {.reduction = op::Reduction::none, .ignore_index = data::kNoTarget});
  const auto asked = static_cast<double>(count(scores, batch).asked) / static_cast<double>(scores.dim(0));
  const Tensor reward =
      op::reshape(op::scale(op::sum(losses, {.axes = {1}}), -1 / asked), {scores.dim(0), 1, 1});
  for (const Tensor& log_probability : draws.log_probabilities)
    loss = op::add(loss, attention::reinforce_loss(log_probability, reward, baseline.value()));
  baseline.update(reward);
  return loss;
}

void check(const ComparisonOptions& o) {
  if (o.steps < 1 || o.batch < 1 || o.test_rows < 1 || o.layers < 1 || !(o.learning_rate > 0))
    throw Error(fmt::format(
        "comparison of {} steps, batch {}, {} test rows, {} layers, learning rate {}: each must be above 0",
        o.steps, o.batch, o.test_rows, o.layers, o.learning_rate));
}

}  // namespace

ComparisonResult train_with(const AttentionSpec& mechanism, const data::SyntheticTask& task,
                            const ComparisonOptions& options) {
  check(options);
  const std::int64_t before = memory_use().current;
  reset_peak_memory();
  Generator random(options.seed), rows(options.seed + 1), test(options.seed + 2);
  const Tagger model(mechanism, task, options, random);
  train::AdamW optimizer(model.parameters());
  const train::Schedule schedule = {.maximum = options.learning_rate, .warmup = options.steps / 10};
  attention::Baseline baseline;
  double seconds = 0;
  for (std::int64_t step = 0; step < options.steps; ++step) {
    const data::SyntheticBatch batch = data::synthetic_batch(task, options.batch, rows);
    const auto start = Clock::now();
    attention::Draws draws;
    nn::Run run;
    run.training = true;
    run.random = &random;
    run.draws = &draws;
    const Tensor scores = model.forward(batch.tokens, run);
    autograd::backward(training_loss(scores, batch, draws, baseline));
    optimizer.step(schedule.at(step, options.steps),
                   train::clip_scale(train::gradient_norm(optimizer.parameters()), 1));
    train::clear_gradients(optimizer.parameters());
    // The first step makes what later ones use again.
    if (step > 0 || options.steps == 1)
      seconds += std::chrono::duration<double>(Clock::now() - start).count();
  }
  ComparisonResult result;
  result.peak_bytes = memory_use().peak - before;
  const std::int64_t timed = std::max<std::int64_t>(options.steps - 1, 1);
  result.tokens_per_second = static_cast<double>(timed * options.batch * task.length) / seconds;

  const autograd::NoGrad no_grad;
  if (options.observer != nullptr) {
    Generator first(options.seed + 2);
    nn::Run run;
    run.observer = options.observer;
    model.forward(data::synthetic_batch(task, 1, first).tokens, run);
  }
  Counts counts;
  for (std::int64_t left = options.test_rows; left > 0; left -= options.batch) {
    const data::SyntheticBatch batch = data::synthetic_batch(task, std::min(left, options.batch), test);
    const Tensor scores = model.forward(batch.tokens, {});
    const Counts here = count(scores, batch);
    result.loss += loss_of(scores, batch).item() * static_cast<double>(here.asked);
    counts.right += here.right;
    counts.asked += here.asked;
  }
  result.loss /= static_cast<double>(counts.asked);
  result.accuracy = static_cast<double>(counts.right) / static_cast<double>(counts.asked);
  return result;
}

}  // namespace attend::task
