#include "attend/op/activation.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/kernels.h"
#include "op/chunk.h"
#include "op/view.h"

namespace attend::op {

Tensor activate(const Tensor& x, Activation activation) {
  if (!is_floating(x.dtype()))
    throw Error(fmt::format("{} of {}: f32, bf16 or f64 needed", name_of(activation), x.text()));
  const auto& kernels = backend::kernels().activation;
  const Tensor in = dense(x).detach();
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  parallel_for(in.elements(), kChunkElements, [&](std::int64_t begin, std::int64_t end) {
    kernels.forward(in.dtype(), activation, place(in, begin), place(y, begin), end - begin);
  });
  if (autograd::is_recording({x}))
    autograd::record("activate", {x}, {y},
                     [activation, saved = backend::slope_from_output(activation) ? y.detach() : in,
                      &kernels](const autograd::Tensors& gradients) {
                       const Tensor dy = dense(gradients[0]);
                       const Tensor dx = Tensor::empty(dy.shape(), dy.dtype());
                       parallel_for(dy.elements(), kChunkElements, [&](std::int64_t begin, std::int64_t end) {
                         kernels.backward(dy.dtype(), activation, place(saved, begin), place(dy, begin),
                                          place(dx, begin), end - begin);
                       });
                       return autograd::Tensors{dx};
                     });
  return y;
}

Tensor gated(const Tensor& x, Activation activation) {
  if (!is_floating(x.dtype()) || x.rank() < 1 || x.dim(-1) % 2 != 0)
    throw Error(
        fmt::format("gated {} of {}: f32, bf16 or f64 [..., 2 h] needed", name_of(activation), x.text()));
  const auto& kernels = backend::kernels().activation;
  const Tensor in = dense(x).detach();
  const std::int64_t width = x.dim(-1) / 2, rows = width == 0 ? 0 : x.elements() / (2 * width);
  Shape shape = x.shape();
  shape.set(-1, width);
  Tensor y = Tensor::empty(shape, x.dtype());
  parallel_for(rows, rows_of_chunk(width), [&](std::int64_t begin, std::int64_t end) {
    kernels.gated_forward(in.dtype(), activation, place(in, begin * 2 * width), place(y, begin * width),
                          end - begin, width);
  });
  if (autograd::is_recording({x}))
    autograd::record("gated", {x}, {y}, [=, &kernels](const autograd::Tensors& gradients) {
      const Tensor dy = dense(gradients[0]);
      const Tensor dx = Tensor::empty(in.shape(), in.dtype());
      parallel_for(rows, rows_of_chunk(width), [&](std::int64_t begin, std::int64_t end) {
        kernels.gated_backward(in.dtype(), activation, place(in, begin * 2 * width), place(dy, begin * width),
                               place(dx, begin * 2 * width), end - begin, width);
      });
      return autograd::Tensors{dx};
    });
  return y;
}

}  // namespace attend::op
