#include "attend/op/cross_entropy.h"

#include <fmt/format.h>

#include <limits>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/kernels.h"
#include "op/chunk.h"
#include "op/cross_entropy_rows.h"
#include "op/integers.h"
#include "op/view.h"

namespace attend::op {

void check_targets(const char* name, const Tensor& targets, const Shape& shape, double label_smoothing) {
  if ((targets.dtype() != DType::i32 && targets.dtype() != DType::i64) || !(targets.shape() == shape))
    throw Error(fmt::format("{}: targets {}, i32 or i64 {} needed", name, targets.text(), shape.text()));
  if (!(label_smoothing >= 0 && label_smoothing <= 1))
    throw Error(fmt::format("{}: label_smoothing {} given, 0 to 1 accepted", name, label_smoothing));
}

backend::CrossEntropyRows cross_entropy_rows(const Tensor& logits, const Tensor& targets,
                                             const CrossEntropyOptions& options) {
  return {.dtype = logits.dtype(),
          .rows = targets.elements(),
          .classes = logits.dim(-1),
          .logits = logits.raw(),
          .targets = targets.data<std::int64_t>(),
          .ignore_index = options.ignore_index.value_or(std::numeric_limits<std::int64_t>::min()),
          .label_smoothing = options.label_smoothing};
}

backend::CrossEntropyRows rows_between(const backend::CrossEntropyRows& all, std::int64_t begin,
                                       std::int64_t end) {
  backend::CrossEntropyRows part = all;
  part.rows = end - begin;
  part.logits = static_cast<const std::byte*>(all.logits) +
                begin * all.classes * static_cast<std::int64_t>(size_of(all.dtype));
  part.targets = all.targets + begin;
  return part;
}

double reduction_factor(const Tensor& targets, const CrossEntropyOptions& options) {
  if (options.reduction != Reduction::mean) return 1;
  const std::int64_t* p = targets.data<std::int64_t>();
  std::int64_t counted = 0;
  for (std::int64_t i = 0; i < targets.elements(); ++i) counted += p[i] != options.ignore_index ? 1 : 0;
  return counted == 0 ? 0 : 1 / static_cast<double>(counted);
}

Tensor reduced(const Tensor& losses, const Shape& shape, double factor, Reduction reduction) {
  if (reduction == Reduction::none) return losses.view_as(shape, row_major_strides(shape));
  double sum = 0;
  for (const double loss : losses.to_vector<double>()) sum += loss;
  return Tensor::full({}, sum * factor, losses.dtype());
}

Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  if (!is_floating(logits.dtype()) || logits.rank() < 1 || logits.dim(-1) < 1)
    throw Error(fmt::format("cross_entropy of logits {}: f32, bf16 or f64 [..., V] needed", logits.text()));
  check_targets("cross_entropy", targets, logits.shape().removed(logits.rank() - 1), options.label_smoothing);
  const Tensor classes =
      checked_indices("cross_entropy: target", targets, logits.dim(-1), options.ignore_index);
  const Tensor in = dense(logits).detach();
  const backend::CrossEntropyRows rows = cross_entropy_rows(in, classes, options);
  const DType dtype = parameter_dtype(in.dtype());
  const Tensor losses = Tensor::empty({rows.rows}, dtype), log_sum_exp = Tensor::empty({rows.rows}, dtype);
  parallel_for(rows.rows, rows_of_chunk(rows.classes), [&](std::int64_t begin, std::int64_t end) {
    backend::kernels().cross_entropy.forward(
        {rows_between(rows, begin, end), place(losses, begin), place(log_sum_exp, begin)});
  });
  const double factor = reduction_factor(classes, options);
  const Tensor result = reduced(losses, targets.shape(), factor, options.reduction);
  if (autograd::is_recording({logits}))
    autograd::record("cross_entropy", {logits}, {result},
                     [in, classes, log_sum_exp, factor, options](const autograd::Tensors& gradients) {
                       const bool each = options.reduction == Reduction::none;
                       const Tensor row_scale = each ? dense(gradients[0]) : Tensor();
                       const double scale = each ? 1 : factor * gradients[0].item();
                       const backend::CrossEntropyRows rows = cross_entropy_rows(in, classes, options);
                       const Tensor gradient = Tensor::empty(in.shape(), in.dtype());
                       parallel_for(
                           rows.rows, rows_of_chunk(rows.classes), [&](std::int64_t begin, std::int64_t end) {
                             backend::CrossEntropyKernels::Backward work{rows_between(rows, begin, end)};
                             work.log_sum_exp = place(log_sum_exp, begin);
                             work.scale = scale;
                             work.row_scale = place(row_scale, begin);
                             work.gradient_dtype = in.dtype();
                             work.gradient = place(gradient, begin * rows.classes);
                             backend::kernels().cross_entropy.backward(work);
                           });
                       return autograd::Tensors{gradient};
                     });
  return result;
}

}  // namespace attend::op
