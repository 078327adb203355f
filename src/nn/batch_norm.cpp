#include "attend/nn/batch_norm.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"

namespace attend::nn {

namespace {

template <class T>
void move_towards(const Tensor& running, const Tensor& latest, double part, double factor) {
  T* to = running.data<T>();
  const T* from = latest.data<T>();
  for (std::int64_t c = 0; c < running.elements(); ++c)
    to[c] = static_cast<T>((1 - part) * static_cast<double>(to[c]) +
                           part * factor * static_cast<double>(from[c]));
}

void update(const Tensor& running, const Tensor& latest, double part, double factor) {
  running.dtype() == DType::f64 ? move_towards<double>(running, latest, part, factor)
                                : move_towards<float>(running, latest, part, factor);
}

}  // namespace

BatchNorm::BatchNorm(std::int64_t channels, const BatchNormOptions& options) : options_(options) {
  if (channels < 1 || !(options.momentum >= 0 && options.momentum <= 1))
    throw Error(
        fmt::format("a batch norm of {} channels with momentum {}: at least 1 channel and a momentum "
                    "from 0 to 1 needed",
                    channels, options.momentum));
  weight_ = Tensor::full({channels}, 1);
  bias_ = Tensor::zeros({channels});
  running_mean_ = Tensor::zeros({channels});
  running_variance_ = Tensor::full({channels}, 1);
  add_parameter("weight", weight_, false);
  add_parameter("bias", bias_, false);
  add_buffer("running_mean", running_mean_);
  add_buffer("running_variance", running_variance_);
}

Tensor BatchNorm::forward(const Tensor& x, const Run& run) const {
  const op::BatchNormOptions options{.epsilon = options_.epsilon, .relu = options_.relu};
  if (!run.training)
    return op::batch_norm_by({.mean = running_mean_, .variance = running_variance_}, x, weight_, bias_,
                             options);
  const op::BatchNorm result = op::batch_norm(x, weight_, bias_, options);
  const std::int64_t rows = x.elements() / x.dim(-1);
  const auto values = static_cast<double>(rows);
  update(running_mean_, result.statistics.mean, options_.momentum, 1);
  update(running_variance_, result.statistics.variance, options_.momentum,
         values / std::max(values - 1, 1.0));
  return result.y;
}

}  // namespace attend::nn
