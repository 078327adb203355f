#include "attend/op/batch_norm.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/kernels.h"
#include "op/check.h"
#include "op/chunk.h"
#include "op/column_sum.h"
#include "op/view.h"

namespace attend::op {

namespace {

using Kernels = backend::ChannelNormKernels;

// One application: its tensors, all dense and off the tape, and what they say of each channel.
struct Application {
  Tensor x, weight, bias, mean, variance;
  BatchNormOptions options;
  bool of_batch = true;  // the statistics are those of x
  std::int64_t rows = 0, channels = 0;
  Tensor scale = {};  // y = (x - mean) scale + bias
};

void check(const Tensor& x, const Tensor& weight, const Tensor& bias, const BatchNormOptions& options) {
  check_floating("batch norm", x);
  const auto fail = [&](std::string_view why) {
    throw Error(fmt::format("batch norm of x {}: {}", x.text(), why));
  };
  if (x.rank() < 2 || x.elements() == 0) fail("x [..., channels] with values needed");
  const DType dtype = parameter_dtype(x.dtype());
  for (const Tensor* parameter : {&weight, &bias})
    if (!parameter->defined() || !(parameter->shape() == Shape{x.dim(-1)}) || parameter->dtype() != dtype)
      fail(fmt::format("weight and bias {} [{}] needed", name_of(dtype), x.dim(-1)));
  if (!(options.epsilon >= 0)) fail(fmt::format("epsilon {} given, 0 or more needed", options.epsilon));
}

// A tensor of a number for each channel, f(channel) in double.
template <class F>
Tensor of_channels(const Application& a, F&& f) {
  const Tensor result = Tensor::empty({a.channels}, parameter_dtype(a.x.dtype()));
  for (std::int64_t c = 0; c < a.channels; ++c) {
    const double value = f(c);
    if (result.dtype() == DType::f64)
      result.data<double>()[c] = value;
    else
      result.data<float>()[c] = static_cast<float>(value);
  }
  return result;
}

double at(const Tensor& tensor, std::int64_t c) {
  return tensor.dtype() == DType::f64 ? tensor.data<double>()[c]
                                      : static_cast<double>(tensor.data<float>()[c]);
}

double rstd(const Application& a, std::int64_t c) {
  return 1 / std::sqrt(at(a.variance, c) + a.options.epsilon);
}

// Calls body(range, chunk) for ranges of the rows, on all threads. With dy, it counts where the result of a
// ReLU was above 0.
template <class Range, class Body>
void for_each_range(const Application& a, const Tensor& dy, Body&& body) {
  const std::int64_t grain = rows_of_chunk(a.channels);
  const bool gated = dy.defined() && a.options.relu;
  parallel_for(a.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    Range range{{.dtype = a.x.dtype(),
                 .rows = end - begin,
                 .columns = a.channels,
                 .x = place(a.x, begin * a.channels),
                 .centre = place(a.mean, 0),
                 .dy = place(dy, begin * a.channels),
                 .gate_slope = gated ? place(a.scale, 0) : nullptr,
                 .gate_offset = gated ? place(a.bias, 0) : nullptr}};
    body(range, begin / grain);
  });
}

struct Moments {
  Tensor first, second;  // [channels]
};

// Sums over the rows: of dy and of dy (x - mean), or with x - mean instead of an undefined dy.
Moments moments(const Application& a, const Tensor& dy) {
  const std::int64_t grain = rows_of_chunk(a.channels);
  const Shape shape{(a.rows + grain - 1) / grain, a.channels};
  const DType dtype = parameter_dtype(a.x.dtype());
  const Tensor first = Tensor::empty(shape, dtype), second = Tensor::empty(shape, dtype);
  for_each_range<Kernels::Moments>(a, dy, [&](Kernels::Moments& range, std::int64_t chunk) {
    range.first = place(first, chunk * a.channels);
    range.second = place(second, chunk * a.channels);
    backend::kernels().channel_norm.moments(range);
  });
  return {column_sum(first), column_sum(second)};
}

void measure(Application& a) {
  const double count = static_cast<double>(a.rows);
  const Tensor sum = column_sum(a.x.view_as({a.rows, a.channels}, {a.channels, 1}));
  a.mean = of_channels(a, [&](std::int64_t c) { return at(sum, c) / count; });
  const Tensor squares = moments(a, {}).second;
  a.variance = of_channels(a, [&](std::int64_t c) { return at(squares, c) / count; });
}

Tensor forward(Application& a) {
  a.scale = of_channels(a, [&](std::int64_t c) { return at(a.weight, c) * rstd(a, c); });
  const Tensor y = Tensor::empty(a.x.shape(), a.x.dtype());
  const std::int64_t chunk_elements = rows_of_chunk(a.channels) * a.channels;
  for_each_range<Kernels::Apply>(a, {}, [&](Kernels::Apply& range, std::int64_t chunk) {
    range.relu = a.options.relu;
    range.slope = place(a.scale, 0);
    range.offset = place(a.bias, 0);
    range.y = place(y, chunk * chunk_elements);
    backend::kernels().channel_norm.apply(range);
  });
  return y;
}

autograd::Tensors backward(const Application& a, const Tensor& dy, bool for_x) {
  const Moments sums = moments(a, dy);
  autograd::Tensors result = {
      Tensor(), of_channels(a, [&](std::int64_t c) { return at(sums.second, c) * rstd(a, c); }), sums.first};
  if (!for_x) return result;
  // With z = (x - mean) rstd, dx = scale (dy - [mean of dy] - z [mean of dy z]); the means are there because
  // the statistics follow x.
  const double count = a.of_batch ? static_cast<double>(a.rows) : INFINITY;
  const Tensor slope = of_channels(a, [&](std::int64_t c) {
    return -at(a.scale, c) * rstd(a, c) * rstd(a, c) * at(sums.second, c) / count;
  });
  const Tensor offset =
      of_channels(a, [&](std::int64_t c) { return -at(a.scale, c) * at(sums.first, c) / count; });
  result[0] = Tensor::empty(a.x.shape(), a.x.dtype());
  const std::int64_t chunk_elements = rows_of_chunk(a.channels) * a.channels;
  for_each_range<Kernels::Apply>(a, dy, [&](Kernels::Apply& range, std::int64_t chunk) {
    range.slope = place(slope, 0);
    range.offset = place(offset, 0);
    range.factor = place(a.scale, 0);
    range.y = place(result[0], chunk * chunk_elements);
    backend::kernels().channel_norm.apply(range);
  });
  return result;
}

Tensor applied(Application& a, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor y = forward(a);
  if (autograd::is_recording({x, weight, bias}))
    autograd::record("batch norm", {x, weight, bias}, {y},
                     [a, for_x = autograd::requires_grad(x), for_weight = autograd::requires_grad(weight),
                      for_bias = autograd::requires_grad(bias)](const autograd::Tensors& gradients) {
                       autograd::Tensors result = backward(a, dense(gradients[0]).detach(), for_x);
                       if (!for_weight) result[1] = Tensor();
                       if (!for_bias) result[2] = Tensor();
                       return result;
                     });
  return y;
}

Application application(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const BatchNormOptions& options) {
  check(x, weight, bias, options);
  return {.x = dense(x).detach(),
          .weight = dense(weight).detach(),
          .bias = dense(bias).detach(),
          .mean = {},
          .variance = {},
          .options = options,
          .rows = x.elements() / x.dim(-1),
          .channels = x.dim(-1)};
}

}  // namespace

BatchNorm batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const BatchNormOptions& options) {
  Application a = application(x, weight, bias, options);
  measure(a);
  const Tensor y = applied(a, x, weight, bias);
  return {.y = y, .statistics = {.mean = a.mean, .variance = a.variance}};
}

Tensor batch_norm_by(const ChannelStatistics& statistics, const Tensor& x, const Tensor& weight,
                     const Tensor& bias, const BatchNormOptions& options) {
  Application a = application(x, weight, bias, options);
  for (const Tensor* given : {&statistics.mean, &statistics.variance})
    if (!given->defined() || !(given->shape() == Shape{a.channels}) ||
        given->dtype() != parameter_dtype(x.dtype()))
      throw Error(fmt::format("batch norm of x {}: mean and variance {} [{}] needed", x.text(),
                              name_of(parameter_dtype(x.dtype())), a.channels));
  a.of_batch = false;
  a.mean = dense(statistics.mean).detach();
  a.variance = dense(statistics.variance).detach();
  return applied(a, x, weight, bias);
}

}  // namespace attend::op
