#include "attend/attention/reinforce.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/reduce.h"

namespace attend::attention {

Tensor reinforce_loss(const Tensor& log_probability, const Tensor& reward, double baseline) {
  if (log_probability.rank() != 3 || !is_floating(log_probability.dtype()) || log_probability.dim(0) < 1)
    throw Error(fmt::format("reinforce_loss of log_probability {}: [batch, heads, queries] needed",
                            log_probability.text()));
  const auto fits = [&] {
    return is_floating(reward.dtype()) && reward.rank() <= 3 &&
           broadcast(reward.shape(), log_probability.shape()) == log_probability.shape();
  };
  if (!fits())
    throw Error(fmt::format("reinforce_loss: reward {} does not fit log_probability {}", reward.text(),
                            log_probability.text()));
  const Tensor advantage = op::add_scalar(op::cast(reward.detach(), log_probability.dtype()), -baseline);
  return op::scale(op::sum(op::multiply(advantage, log_probability)),
                   -1 / static_cast<double>(log_probability.dim(0)));
}

Baseline::Baseline(double decay) : decay_(decay) {
  if (!(decay >= 0 && decay < 1))
    throw Error(fmt::format("baseline of rewards: decay {} is not in [0, 1)", decay));
}

void Baseline::update(const Tensor& reward) {
  const double mean = op::mean(op::cast(reward.detach(), DType::f64)).item();
  if (!std::isfinite(mean))
    throw Error(fmt::format("baseline of rewards: the mean reward is {}, not a finite number", mean));
  value_ = updated_ ? decay_ * value_ + (1 - decay_) * mean : mean;
  updated_ = true;
}

}  // namespace attend::attention
