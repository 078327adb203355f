#include "attend/op/norm.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/kernels.h"
#include "op/chunk.h"
#include "op/column_sum.h"
#include "op/view.h"

namespace attend::op {

namespace {

// One application of a norm: its tensors, all dense and off the tape.
struct Norm {
  const char* name = "";
  bool centred = true;
  Tensor weight = {}, bias = {};
  double epsilon = 0;
  std::int64_t rows = 0, columns = 0;
  Tensor s = {}, mean = {}, rstd = {};  // what was normalised, and its statistics: [rows]

  backend::NormRows range(std::int64_t begin, std::int64_t end) const {
    return {.dtype = s.dtype(),
            .rows = end - begin,
            .columns = columns,
            .centred = centred,
            .weight = place(weight, 0)};
  }
};

void check(const char* name, const Tensor& x, const Tensor& residual, const Tensor& weight,
           const Tensor& bias, double epsilon) {
  const auto fail = [&](std::string_view why) {
    std::string text = fmt::format("{} of x {}", name, x.text());
    if (residual.defined()) text += ", residual " + residual.text();
    if (weight.defined()) text += ", weight " + weight.text();
    if (bias.defined()) text += ", bias " + bias.text();
    throw Error(fmt::format("{}: {}", text, why));
  };
  if (!is_floating(x.dtype())) fail("x in f32, bf16 or f64 needed");
  if (x.rank() < 1 || x.dim(-1) < 1) fail("x [..., d] with d at least 1 needed");
  if (residual.defined() && (!(residual.shape() == x.shape()) || residual.dtype() != x.dtype()))
    fail("x and residual of one shape and dtype needed");
  const DType dtype = parameter_dtype(x.dtype());
  for (const Tensor& parameter : {weight, bias})
    if (parameter.defined() && (!(parameter.shape() == Shape{x.dim(-1)}) || parameter.dtype() != dtype))
      fail(fmt::format("weight and bias {} [{}] needed", name_of(dtype), x.dim(-1)));
  if (!(epsilon >= 0)) fail(fmt::format("epsilon {} given, 0 or more needed", epsilon));
}

// x (+ residual) normalised; fills in s and the statistics.
Tensor forward(Norm& norm, const Tensor& x, const Tensor& residual) {
  const DType statistics = parameter_dtype(x.dtype());
  norm.columns = x.dim(-1);
  norm.rows = x.elements() / norm.columns;
  norm.s = residual.defined() ? Tensor::empty(x.shape(), x.dtype()) : x;
  if (norm.centred) norm.mean = Tensor::empty({norm.rows}, statistics);
  norm.rstd = Tensor::empty({norm.rows}, statistics);
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  parallel_for(norm.rows, rows_of_chunk(norm.columns), [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t first = begin * norm.columns;
    backend::NormKernels::Forward work{norm.range(begin, end)};
    work.x = place(x, first);
    work.residual = place(residual, first);
    work.bias = place(norm.bias, 0);
    work.epsilon = norm.epsilon;
    work.sum = residual.defined() ? place(norm.s, first) : nullptr;
    work.y = place(y, first);
    work.mean = place(norm.mean, begin);
    work.rstd = place(norm.rstd, begin);
    backend::kernels().norm.forward(work);
  });
  return y;
}

struct Gradients {
  Tensor x, weight, bias;
};

// ds is a further gradient of s, or undefined.
Gradients backward(const Norm& norm, const Tensor& dy, const Tensor& ds, bool for_x, bool for_weight,
                   bool for_bias) {
  const DType statistics = parameter_dtype(dy.dtype());
  Gradients result;
  if (for_x) result.x = Tensor::empty(dy.shape(), dy.dtype());
  // Each chunk has sums of its own; they are added in order, for the same bits with any number of threads.
  const std::int64_t grain = 4 * ((rows_of_chunk(norm.columns) + 3) / 4);
  const std::int64_t chunks = (norm.rows + grain - 1) / grain;
  const auto partial = [&](bool wanted) {
    return wanted ? Tensor::zeros({chunks, norm.columns}, statistics) : Tensor();
  };
  const Tensor weights = partial(for_weight), biases = partial(for_bias);
  parallel_for(norm.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t first = begin * norm.columns, chunk = begin / grain * norm.columns;
    backend::NormKernels::Backward work{norm.range(begin, end)};
    work.s = place(norm.s, first);
    work.mean = place(norm.mean, begin);
    work.rstd = place(norm.rstd, begin);
    work.dy = place(dy, first);
    work.ds = place(ds, first);
    work.dx = place(result.x, first);
    work.dweight = place(weights, chunk);
    work.dbias = place(biases, chunk);
    backend::kernels().norm.backward(work);
  });
  const auto total = [&](const Tensor& partials) {
    if (!partials.defined()) return Tensor();
    return chunks == 0 ? Tensor::zeros({norm.columns}, statistics) : column_sum(partials);
  };
  result.weight = total(weights);
  result.bias = total(biases);
  return result;
}

Tensor plain(Norm norm, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check(norm.name, x, {}, weight, bias, norm.epsilon);
  if (weight.defined()) norm.weight = dense(weight).detach();
  if (bias.defined()) norm.bias = dense(bias).detach();
  const Tensor y = forward(norm, dense(x).detach(), {});
  if (autograd::is_recording({x, weight, bias}))
    autograd::record(norm.name, {x, weight, bias}, {y},
                     [norm, for_x = autograd::requires_grad(x), for_weight = autograd::requires_grad(weight),
                      for_bias = autograd::requires_grad(bias)](const autograd::Tensors& gradients) {
                       const Gradients g =
                           backward(norm, dense(gradients[0]), {}, for_x, for_weight, for_bias);
                       return autograd::Tensors{g.x, g.weight, g.bias};
                     });
  return y;
}

SumAndNorm with_residual(Norm norm, const Tensor& x, const Tensor& residual, const Tensor& weight,
                         const Tensor& bias) {
  check(norm.name, x, residual, weight, bias, norm.epsilon);
  if (weight.defined()) norm.weight = dense(weight).detach();
  if (bias.defined()) norm.bias = dense(bias).detach();
  const Tensor y = forward(norm, dense(x).detach(), dense(residual).detach());
  const Tensor sum = norm.s.detach();
  if (autograd::is_recording({x, residual, weight, bias}))
    autograd::record(
        norm.name, {x, residual, weight, bias}, {sum, y},
        [norm, for_x = autograd::requires_grad(x), for_residual = autograd::requires_grad(residual),
         for_weight = autograd::requires_grad(weight),
         for_bias = autograd::requires_grad(bias)](const autograd::Tensors& gradients) {
          const Tensor ds = gradients[0].defined() ? dense(gradients[0]) : Tensor();
          Gradients g;
          if (gradients[1].defined())
            g = backward(norm, dense(gradients[1]), ds, for_x || for_residual, for_weight, for_bias);
          else
            g.x = ds;
          return autograd::Tensors{for_x ? g.x : Tensor(), for_residual ? g.x : Tensor(), g.weight, g.bias};
        });
  return {sum, y};
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon) {
  return plain({.name = "layer_norm", .centred = true, .epsilon = epsilon}, x, weight, bias);
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double epsilon) {
  return plain({.name = "rms_norm", .centred = false, .epsilon = epsilon}, x, weight, {});
}

SumAndNorm add_layer_norm(const Tensor& x, const Tensor& residual, const Tensor& weight, const Tensor& bias,
                          double epsilon) {
  return with_residual({.name = "add_layer_norm", .centred = true, .epsilon = epsilon}, x, residual, weight,
                       bias);
}

SumAndNorm add_rms_norm(const Tensor& x, const Tensor& residual, const Tensor& weight, double epsilon) {
  return with_residual({.name = "add_rms_norm", .centred = false, .epsilon = epsilon}, x, residual, weight,
                       {});
}

}  // namespace attend::op
