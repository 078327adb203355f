#include "attend/op/softmax.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/kernels.h"
#include "op/check.h"
#include "op/view.h"

namespace attend::op {

namespace {

constexpr std::int64_t kGrain = 1 << 14;

// Calls body(first element, rows) for blocks of rows, on all threads.
template <class Body>
void for_each_row_block(const Tensor& x, Body&& body) {
  const std::int64_t columns = x.dim(-1);
  if (x.elements() == 0) return;
  parallel_for(x.elements() / columns, std::max<std::int64_t>(1, kGrain / columns),
               [&](std::int64_t begin, std::int64_t end) { body(begin * columns, end - begin); });
}

using Forward = decltype(backend::SoftmaxKernels::softmax);
using Backward = decltype(backend::SoftmaxKernels::softmax_gradient);

Tensor recorded(const char* name, const Tensor& input, Forward forward, Backward backward) {
  check_floating(name, input);
  if (input.rank() == 0) throw Error(fmt::format("{} of {}: at least one axis needed", name, input.text()));
  const Tensor x = dense(input), y = Tensor::empty(x.shape(), x.dtype());
  for_each_row_block(x, [&](std::int64_t first, std::int64_t rows) {
    forward(x.dtype(), bytes_at(x, first), bytes_at(y, first), rows, x.dim(-1));
  });
  if (autograd::is_recording({input}))
    autograd::record(name, {input}, {y}, [backward, y = y.detach()](const autograd::Tensors& gradients) {
      const Tensor dy = dense(gradients[0]), dx = Tensor::empty(y.shape(), y.dtype());
      for_each_row_block(y, [&](std::int64_t first, std::int64_t rows) {
        backward(y.dtype(), bytes_at(y, first), bytes_at(dy, first), bytes_at(dx, first), rows, y.dim(-1));
      });
      return autograd::Tensors{dx};
    });
  return y;
}

}  // namespace

Tensor softmax(const Tensor& x) {
  const auto& kernels = backend::kernels().softmax;
  return recorded("softmax", x, kernels.softmax, kernels.softmax_gradient);
}

Tensor log_softmax(const Tensor& x) {
  const auto& kernels = backend::kernels().softmax;
  return recorded("log_softmax", x, kernels.log_softmax, kernels.log_softmax_gradient);
}

}  // namespace attend::op
