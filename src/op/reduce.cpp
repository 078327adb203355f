#include "attend/op/reduce.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "backend/cast.h"
#include "op/binary.h"
#include "op/check.h"
#include "op/reduce_axes.h"
#include "op/view.h"

namespace attend::op {

namespace {

using backend::BinaryFunction;

// What is reduced: the axes, the shape of the result with them and as the caller wants it.
struct Plan {
  AxisSet axes;
  Shape kept, result;
  std::int64_t count = 1;
};

Plan plan_of(const char* name, const Tensor& x, const ReduceOptions& options) {
  check_floating(name, x);
  Plan plan;
  for (const int axis : options.axes) {
    const auto place = static_cast<std::size_t>(x.shape().normalise(axis));
    if (plan.axes[place]) throw Error(fmt::format("{} of {}: axis {} is named twice", name, x.text(), axis));
    plan.axes.set(place);
  }
  if (options.axes.empty()) plan.axes.set();
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool is_reduced = plan.axes[static_cast<std::size_t>(axis)];
    if (is_reduced) plan.count *= x.shape()[axis];
    plan.kept.append(is_reduced ? 1 : x.shape()[axis]);
    if (!is_reduced || options.keep_axes) plan.result.append(plan.kept[axis]);
  }
  return plan;
}

// The mean is the sum times `factor`, rounded to x's dtype after the multiplication.
Tensor recorded_sum(const char* name, const Tensor& x, const Plan& plan, double factor) {
  Tensor total = reduce_axes(backend::Reduction::sum, x, plan.axes);
  if (factor != 1) total = affine(total, factor, 0);
  const Tensor y = reshaped(backend::cast(total, x.dtype()), plan.result);
  if (autograd::is_recording({x}))
    autograd::record(name, {x}, {y}, [plan, factor, shape = x.shape()](const autograd::Tensors& gradients) {
      const Tensor dy = factor == 1 ? gradients[0] : affine(gradients[0], factor, 0);
      return autograd::Tensors{expanded(reshaped(dy, plan.kept), shape)};
    });
  return y;
}

}  // namespace

Tensor sum(const Tensor& x, const ReduceOptions& options) {
  return recorded_sum("sum", x, plan_of("sum", x, options), 1);
}

Tensor mean(const Tensor& x, const ReduceOptions& options) {
  const Plan plan = plan_of("mean", x, options);
  return recorded_sum("mean", x, plan, 1 / static_cast<double>(plan.count));
}

Tensor maximum(const Tensor& x, const ReduceOptions& options) {
  const Plan plan = plan_of("maximum", x, options);
  if (plan.count == 0) throw Error(fmt::format("maximum of {}: over no elements", x.text()));
  const Tensor kept = backend::cast(reduce_axes(backend::Reduction::maximum, x, plan.axes), x.dtype());
  const Tensor y = reshaped(kept, plan.result);
  if (autograd::is_recording({x}))
    autograd::record("maximum", {x}, {y}, [plan, kept, x = x.detach()](const autograd::Tensors& gradients) {
      const Tensor is_maximum = binary(BinaryFunction::equal, x, kept);
      const Tensor dy = reshaped(gradients[0], plan.kept),
                   sharing = reduce_axes(backend::Reduction::sum, is_maximum, plan.axes);
      const Tensor share = binary(BinaryFunction::divide, backend::cast(dy, sharing.dtype()), sharing);
      return autograd::Tensors{binary(BinaryFunction::multiply, is_maximum, backend::cast(share, x.dtype()))};
    });
  return y;
}

}  // namespace attend::op
