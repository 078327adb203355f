#include "attend/op/matmul.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "backend/matmul.h"
#include "op/sum_to_shape.h"

namespace attend::op {

namespace {

Tensor swapped(const Tensor& tensor) {
  Shape shape = tensor.shape(), strides = tensor.strides();
  const int r = tensor.rank();
  shape.set(-1, tensor.shape()[r - 2]);
  shape.set(-2, tensor.shape()[r - 1]);
  strides.set(-1, tensor.strides()[r - 2]);
  strides.set(-2, tensor.strides()[r - 1]);
  return tensor.view_as(shape, strides);
}

Shape batch_of(const Tensor& tensor) {
  return Shape(tensor.shape().sizes().first(static_cast<std::size_t>(tensor.rank() - 2)));
}

Tensor product(const Tensor& a, const Tensor& b) {
  Shape shape = broadcast(batch_of(a), batch_of(b));
  shape.append(a.dim(-2));
  shape.append(b.dim(-1));
  Tensor out = Tensor::empty(shape, a.dtype());
  backend::matmul(a, b, out);
  return out;
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.rank() < 2 || b.rank() < 2)
    throw Error(fmt::format("matmul of {} and {}: each needs at least two axes", a.text(), b.text()));
  const Tensor y = product(a, b);
  if (autograd::is_recording({a, b})) {
    const bool for_a = autograd::requires_grad(a), for_b = autograd::requires_grad(b);
    autograd::record("matmul", {a, b}, {y},
                     [a = a.detach(), b = b.detach(), for_a, for_b](const autograd::Tensors& gradients) {
                       autograd::Tensors result(2);
                       if (for_a) result[0] = sum_to_shape(product(gradients[0], swapped(b)), a.shape());
                       if (for_b) result[1] = sum_to_shape(product(swapped(a), gradients[0]), b.shape());
                       return result;
                     });
  }
  return y;
}

}  // namespace attend::op
