#include "attend/attention/weigh.h"

#include <cmath>
#include <limits>

#include "attend/attention/reinforce.h"
#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/op/activation.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "attend/op/sparsemax.h"
#include "attend/op/where.h"
#include "attention/choice.h"
#include "attention/learned.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

Tensor minus_infinity(DType dtype) {
  return Tensor::full({}, -std::numeric_limits<double>::infinity(), dtype);
}

Tensor masked_pairs(const Tensor& scores) {
  const Tensor dense = scores.is_contiguous() ? scores.detach() : scores.clone();
  const Tensor mask = Tensor::empty(scores.shape(), DType::boolean);
  const auto fill = [&](const auto* from) {
    parallel_for(dense.elements(), 1 << 15, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) mask.data<bool>()[i] = std::isinf(from[i]) && from[i] < 0;
    });
  };
  dense.dtype() == DType::f64 ? fill(dense.data<double>()) : fill(dense.data<float>());
  return mask;
}

// sum_g mix[h, g] x_g of x [batch, heads, queries, keys].
Tensor mixed(const Tensor& mix, const Tensor& x) {
  const Tensor rows = op::reshape(x, {x.dim(0), x.dim(1), x.dim(2) * x.dim(3)});
  return op::reshape(op::matmul(mix, rows), x.shape());
}

Tensor mixed_scores(const Tensor& mix, const Tensor& scores) {
  const Tensor masked = masked_pairs(scores), zero = Tensor::zeros({}, scores.dtype());
  return op::where(masked, minus_infinity(scores.dtype()), mixed(mix, op::where(masked, zero, scores)));
}

Tensor softmax_with_sink(const Tensor& scores, const Tensor& sink) {
  Shape shape = scores.shape();
  shape.set(3, 1);
  const Tensor column = op::expand(op::reshape(sink, {1, sink.dim(0), 1, 1}), shape);
  return op::slice(op::softmax(op::concatenate({scores, column}, 3)), 3, 0, scores.dim(3));
}

Tensor sigmoid(const Tensor& scores, double bias) {
  return op::activate(bias == 0 ? scores : op::add_scalar(scores, bias), Activation::sigmoid);
}

Tensor with_noise(const Tensor& scores, const Run& run) {
  return op::add(scores, gumbel_noise(scores.shape(), scores.dtype(), run.random));
}

Tensor drawn(const Tensor& scores, const Run& run) {
  const Tensor chosen = one_hot_of_largest(with_noise(scores.detach(), run));
  if (run.draws != nullptr && autograd::is_recording({scores})) {
    const Tensor logs = op::where(op::cast(chosen, DType::boolean), op::log_softmax(scores),
                                  Tensor::zeros({}, scores.dtype()));
    run.draws->log_probabilities.push_back(op::sum(logs, {.axes = {3}}));
  }
  return chosen;
}

// The weights of scores that are divided by the temperature already, but for gumbel.
Tensor by_kind(const Tensor& scores, const AttentionSpec& spec, const Run& run) {
  const Weigh& weigh = spec.weigh;
  const auto softmax = [&](const Tensor& s) {
    if (!weigh.sink) return op::softmax(s);
    return softmax_with_sink(s, learned(run.parameters.sink_logits, "sink_logits", {s.dim(1)}, s.dtype()));
  };
  switch (weigh.kind) {
    case Weigh::Kind::softmax:
      return softmax(scores);
    case Weigh::Kind::sigmoid:
      return sigmoid(scores, weigh.sigmoid_bias);
    case Weigh::Kind::sparsemax:
      return op::sparsemax(scores);
    case Weigh::Kind::entmax15:
      return op::entmax15(scores);
    case Weigh::Kind::top_k:
      return softmax(op::where(largest(scores, weigh.count), scores, minus_infinity(scores.dtype())));
    case Weigh::Kind::gumbel:
      if (run.training) {
        const Tensor noisy = op::scale(with_noise(scores, run), 1 / weigh.temperature);
        const Tensor soft = op::softmax(noisy);
        return weigh.straight_through ? straight_through(one_hot_of_largest(noisy), soft) : soft;
      }
      break;
    case Weigh::Kind::reinforce:
      if (run.training) return drawn(scores, run);
      break;
    case Weigh::Kind::hard:
      break;
  }
  return straight_through(one_hot_of_largest(scores), op::softmax(scores));
}

}  // namespace

Tensor weighed(const Tensor& scores, const AttentionSpec& spec, const Run& run) {
  const Weigh& weigh = spec.weigh;
  // Thresholds and exponents of bf16 numbers need the digits of f32.
  const DType dtype = scores.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const Shape square = {scores.dim(1), scores.dim(1)};
  Tensor s = op::cast(scores, dtype);
  if (weigh.talking_heads)
    s = mixed_scores(learned(run.parameters.mix_scores, "mix_scores", square, dtype), s);
  const bool noise_first = weigh.kind == Weigh::Kind::gumbel && run.training;
  if (weigh.temperature != 1 && !noise_first) s = op::scale(s, 1 / weigh.temperature);
  Tensor weights = by_kind(s, spec, run);
  if (weigh.talking_heads)
    weights = mixed(learned(run.parameters.mix_weights, "mix_weights", square, dtype), weights);
  return op::cast(weights, scores.dtype());
}

}  // namespace attend::attention
