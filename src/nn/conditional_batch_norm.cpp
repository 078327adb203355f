#include "attend/nn/conditional_batch_norm.h"

#include "attend/op/activation.h"
#include "attend/op/arithmetic.h"
#include "attend/op/shape.h"

namespace attend::nn {

ConditionalBatchNorm::ConditionalBatchNorm(std::int64_t channels, std::int64_t classes, Generator& random)
    : norm_(channels),
      gain_(classes, channels, {.initialisation_std = 0}, random),
      shift_(classes, channels, {.initialisation_std = 0}, random) {
  add_child("norm", norm_);
  add_child("gain", gain_);
  add_child("shift", shift_);
}

Tensor ConditionalBatchNorm::forward(const Tensor& x, const Tensor& classes, const Run& run) const {
  const Shape of_rows{x.dim(0), 1, 1, x.dim(-1)};
  const Tensor gain = op::reshape(gain_.forward(classes, x.dtype()), of_rows),
               shift = op::reshape(shift_.forward(classes, x.dtype()), of_rows);
  const Tensor normed = norm_.forward(x, run);
  return op::activate(op::add(op::multiply(normed, op::add_scalar(gain, 1)), shift), Activation::relu);
}

}  // namespace attend::nn
