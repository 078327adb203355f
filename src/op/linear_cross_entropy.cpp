#include <fmt/format.h>

#include <algorithm>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/op/cross_entropy.h"
#include "backend/cast.h"
#include "backend/kernels.h"
#include "backend/matmul.h"
#include "op/chunk.h"
#include "op/cross_entropy_rows.h"
#include "op/integers.h"
#include "op/view.h"

namespace attend::op {

namespace {

Tensor transposed(const Tensor& matrix) {
  return matrix.view_as({matrix.dim(1), matrix.dim(0)}, {matrix.strides()[1], matrix.strides()[0]});
}

Tensor rows_of(const Tensor& matrix, std::int64_t begin, std::int64_t end) {
  return matrix.view_as({end - begin, matrix.dim(1)}, {matrix.dim(1), 1}, begin * matrix.dim(1));
}

// What both passes need: dense, off the tape.
struct Problem {
  Tensor x;        // [N, d]
  Tensor weight;   // [V, d], of x's dtype
  Tensor targets;  // [N], i64
  CrossEntropyOptions options;
  std::int64_t chunk = 0;
};

struct Wanted {
  bool x = false, weight = false;
  double scale = 1;
  Tensor row_scale = {};  // [N], or undefined
};

struct Outcome {
  Tensor losses;       // [N]
  Tensor dx, dweight;  // in x's dtype, and in the accumulators' dtype; undefined when not wanted
};

Outcome run(const Problem& problem, const Wanted& wanted) {
  const std::int64_t n = problem.x.dim(0), classes = problem.weight.dim(0);
  const DType dtype = problem.x.dtype(), sum_dtype = parameter_dtype(dtype);
  const bool gradients = wanted.x || wanted.weight;
  Outcome out;
  out.losses = Tensor::empty({n}, sum_dtype);
  if (wanted.x) out.dx = Tensor::empty(problem.x.shape(), dtype);
  if (wanted.weight) out.dweight = Tensor::zeros(problem.weight.shape(), sum_dtype);
  const std::int64_t most = std::min(n, problem.chunk);
  const Tensor log_sum_exp = Tensor::empty({most}, sum_dtype);
  const Tensor all_logits = Tensor::empty({most, classes}, sum_dtype);
  const Tensor all_gradients = !gradients           ? Tensor()
                               : dtype == sum_dtype ? all_logits
                                                    : Tensor::empty({most, classes}, dtype);
  for (std::int64_t first = 0; first < n; first += most) {
    const std::int64_t count = std::min(most, n - first);
    const Tensor x = rows_of(problem.x, first, first + count), logits = rows_of(all_logits, 0, count);
    const Tensor targets = problem.targets.view_as({count}, {1}, first);
    backend::matmul(x, transposed(problem.weight), logits);
    const backend::CrossEntropyRows rows = cross_entropy_rows(logits, targets, problem.options);
    parallel_for(count, rows_of_chunk(classes), [&](std::int64_t begin, std::int64_t end) {
      const auto& kernels = backend::kernels().cross_entropy;
      const backend::CrossEntropyRows part = rows_between(rows, begin, end);
      kernels.forward({part, place(out.losses, first + begin), place(log_sum_exp, begin)});
      if (!gradients) return;
      backend::CrossEntropyKernels::Backward work{part};
      work.log_sum_exp = place(log_sum_exp, begin);
      work.scale = wanted.scale;
      work.row_scale = place(wanted.row_scale, first + begin);
      work.gradient_dtype = dtype;
      work.gradient = place(all_gradients, begin * classes);
      kernels.backward(work);
    });
    if (!gradients) continue;
    const Tensor dlogits = rows_of(all_gradients, 0, count);
    if (wanted.x) backend::matmul(dlogits, problem.weight, rows_of(out.dx, first, first + count));
    if (wanted.weight)
      backend::matmul(transposed(dlogits), x, out.dweight, {.bias = {}, .accumulate = first > 0});
  }
  return out;
}

Tensor scaled(const Tensor& tensor, double factor) {
  if (!tensor.defined() || factor == 1) return tensor;
  Tensor result = Tensor::empty(tensor.shape(), tensor.dtype());
  parallel_for(tensor.elements(), kChunkElements, [&](std::int64_t begin, std::int64_t end) {
    backend::kernels().arithmetic.affine(tensor.dtype(), place(tensor, begin), factor, 0,
                                         place(result, begin), end - begin);
  });
  return result;
}

void check(const Tensor& x, const Tensor& weight, std::int64_t chunk) {
  const auto fail = [&](std::string_view why) {
    throw Error(fmt::format("linear_cross_entropy of x {}, weight {}: {}", x.text(), weight.text(), why));
  };
  if (x.rank() < 1 || weight.rank() != 2 || x.dim(-1) != weight.dim(1) || weight.dim(0) < 1 || x.dim(-1) < 1)
    fail("x [..., d] and weight [V, d] needed");
  const bool master = x.dtype() == DType::bf16 && weight.dtype() == DType::f32;
  if (!is_floating(x.dtype()) || (x.dtype() != weight.dtype() && !master))
    fail("one floating dtype needed, or bf16 x with f32 weight");
  if (chunk < 0) fail(fmt::format("chunk {} given, 0 or more accepted", chunk));
}

}  // namespace

Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& targets,
                            const LinearCrossEntropyOptions& options) {
  check(x, weight, options.chunk);
  check_targets("linear_cross_entropy", targets, x.shape().removed(x.rank() - 1), options.label_smoothing);
  constexpr std::int64_t kLogits = std::int64_t{1} << 25;
  const Tensor in = dense(x);
  const Problem problem = {
      .x = in.view_as({targets.elements(), x.dim(-1)}, {x.dim(-1), 1}),
      .weight = backend::cast(weight, x.dtype()),
      .targets =
          checked_indices("linear_cross_entropy: target", targets, weight.dim(0), options.ignore_index),
      .options = {options.reduction, options.label_smoothing, options.ignore_index},
      .chunk = options.chunk > 0 ? options.chunk : std::max<std::int64_t>(256, kLogits / weight.dim(0))};
  const bool recording = autograd::is_recording({x, weight}), each = options.reduction == Reduction::none;
  const bool for_x = autograd::requires_grad(x), for_weight = autograd::requires_grad(weight);
  const double factor = reduction_factor(problem.targets, problem.options);
  const bool now = recording && !each;
  Outcome outcome = run(problem, {.x = now && for_x, .weight = now && for_weight, .scale = factor});
  const Tensor result = reduced(outcome.losses, targets.shape(), factor, options.reduction);
  if (!recording) return result;
  const auto finish = [x_shape = x.shape(), weight_dtype = weight.dtype()](const Outcome& gradients,
                                                                           double scale) {
    const Tensor dx = scaled(gradients.dx, scale), dweight = scaled(gradients.dweight, scale);
    return autograd::Tensors{dx.defined() ? dx.view_as(x_shape, row_major_strides(x_shape)) : Tensor(),
                             dweight.defined() ? backend::cast(dweight, weight_dtype) : Tensor()};
  };
  if (each)
    autograd::record("linear_cross_entropy", {x, weight}, {result},
                     [problem, for_x, for_weight, finish](const autograd::Tensors& gradients) {
                       const Tensor row_scale = dense(gradients[0]);
                       return finish(run(problem, {.x = for_x, .weight = for_weight, .row_scale = row_scale}),
                                     1);
                     });
  else
    autograd::record("linear_cross_entropy", {x, weight}, {result},
                     [outcome, finish](const autograd::Tensors& gradients) {
                       return finish(outcome, gradients[0].item());
                     });
  return result;
}

}  // namespace attend::op
