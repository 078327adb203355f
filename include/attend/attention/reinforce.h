#pragma once

#include <cstdint>
#include <vector>

#include "attend/tensor/tensor.h"

/// Learning where to look by trial (Weigh::Kind::reinforce): each query reads one key, drawn with softmax
/// probability, and the draws are made likelier when what followed was good (Williams, "Simple Statistical
/// Gradient-Following Algorithms", 1992; Xu et al., "Show, Attend and Tell", 2015, section 4.1).
///
///     attention::Draws draws;
///     run.training = true, run.draws = &draws;
///     const Tensor loss = ...;                                    // of a model that attends with `run`
///     const Tensor reward = op::negate(loss_of_each_row);         // e.g. the log-likelihood of the targets
///     Tensor total = loss;
///     for (const Tensor& log_probability : draws.log_probabilities)
///       total = op::add(total, attention::reinforce_loss(log_probability, reward, baseline.value()));
///     autograd::backward(total);
///     baseline.update(reward);
namespace attend::attention {

/// What one forward pass drew; fresh for each pass.
struct Draws {
  /// The log of the probability of each query's key, on the tape: [batch, heads, queries], f32 (f64), one
  /// tensor for each attention of the pass, in order. 0 for a query that may look at nothing. Passes that
  /// record no gradient add none.
  std::vector<Tensor> log_probabilities;
};

/// -1 / batch * sum (reward - baseline) log_probability, whose gradient is the score-function estimate of
/// that of -(expected reward), summed over the draws.
///
/// log_probability: [batch, heads, queries]. reward: any floating dtype, of a shape that broadcasts to it:
/// [batch, 1, 1] for a reward of each row, [batch, 1, queries], or a scalar; no gradient flows to it. The
/// baseline changes the variance and not the mean. Throws Error when shapes or dtypes do not fit.
Tensor reinforce_loss(const Tensor& log_probability, const Tensor& reward, double baseline = 0);

/// The moving mean of rewards, b = decay b + (1 - decay) mean(reward), which Xu et al. subtract; the first
/// update sets it.
class Baseline {
 public:
  /// Throws Error unless 0 <= decay < 1.
  explicit Baseline(double decay = 0.9);

  /// 0 before the first update.
  double value() const { return value_; }
  /// Throws Error when the mean reward is not a finite number; then nothing has changed.
  void update(const Tensor& reward);

 private:
  double decay_, value_ = 0;
  bool updated_ = false;
};

}  // namespace attend::attention
