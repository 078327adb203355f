#include "attend/op/cast.h"

#include "attend/autograd/tape.h"
#include "backend/cast.h"

namespace attend::op {

Tensor cast(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  const Tensor y = backend::cast(x, dtype);
  if (is_floating(dtype) && autograd::is_recording({x}))
    autograd::record("cast", {x}, {y}, [old = x.dtype()](const autograd::Tensors& gradients) {
      return autograd::Tensors{backend::cast(gradients[0], old)};
    });
  return y;
}

}  // namespace attend::op
