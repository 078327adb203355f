#include "attend/op/pooling.h"

#include <fmt/format.h>

#include <array>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "backend/pooling.h"
#include "op/check.h"
#include "op/view.h"

namespace attend::op {

namespace {

backend::Pool pool_of(PoolingMode mode) {
  switch (mode) {
    case PoolingMode::max:
      return backend::Pool::largest;
    case PoolingMode::average:
      return backend::Pool::average;
    case PoolingMode::average_inside:
      break;
  }
  return backend::Pool::average_inside;
}

}  // namespace

Tensor pool(const Tensor& x, const PoolingOptions& options) {
  check_floating("pool", x);
  const auto fail = [&](std::string_view why) { throw Error(fmt::format("pool of {}: {}", x.text(), why)); };
  if (x.rank() != 4 || x.elements() == 0) fail("[batch, height, width, channels] needed, none of size 0");
  backend::PoolingShape shape{.pool = pool_of(options.mode),
                              .batch = x.dim(0),
                              .channels = x.dim(3),
                              .size = {x.dim(1), x.dim(2)},
                              .window = {options.window.height, options.window.width},
                              .stride = {options.stride.height, options.stride.width},
                              .padding = {options.padding.height, options.padding.width}};
  for (const std::size_t axis : {0, 1}) {
    if (shape.window[axis] < 1 || shape.stride[axis] < 1) fail("window and stride of at least 1 needed");
    if (shape.padding[axis] < 0 || shape.padding[axis] > shape.window[axis] / 2)
      fail("a padding of 0 to half of the window needed");
    const std::int64_t room = shape.size[axis] + 2 * shape.padding[axis] - shape.window[axis];
    if (room < 0) fail("the window is larger than the padded maps");
    shape.out_size[axis] = room / shape.stride[axis] + 1;
  }
  const bool recording = autograd::is_recording({x});
  const Tensor y =
      Tensor::empty({shape.batch, shape.out_size[0], shape.out_size[1], shape.channels}, x.dtype());
  const Tensor kept = backend::pooling(shape, dense(x).detach().detach(), y, recording);
  if (recording)
    autograd::record("pool", {x}, {y}, [shape, kept](const autograd::Tensors& gradients) {
      const Tensor dy = dense(gradients[0]);
      const Tensor dx =
          Tensor::empty({shape.batch, shape.size[0], shape.size[1], shape.channels}, dy.dtype());
      backend::pooling_input_gradient(shape, dy, kept, dx);
      return autograd::Tensors{dx};
    });
  return y;
}

}  // namespace attend::op
