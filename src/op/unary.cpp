#include "attend/op/unary.h"

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/op/arithmetic.h"
#include "backend/kernels.h"
#include "op/check.h"
#include "op/view.h"

namespace attend::op {

namespace {

using backend::UnaryFunction;

constexpr std::int64_t kGrain = 1 << 14;

bool derivative_reads_result(UnaryFunction function) {
  return function == UnaryFunction::exponential || function == UnaryFunction::square_root ||
         function == UnaryFunction::inverse_square_root;
}

Tensor recorded(const char* name, UnaryFunction function, const Tensor& input) {
  check_floating(name, input);
  const Tensor x = dense(input), y = Tensor::empty(x.shape(), x.dtype());
  parallel_for(x.elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    backend::kernels().arithmetic.unary(function, x.dtype(), bytes_at(x, begin), bytes_at(y, begin),
                                        end - begin);
  });
  if (autograd::is_recording({input})) {
    const Tensor saved = derivative_reads_result(function) ? y.detach() : x.detach();
    autograd::record(name, {input}, {y}, [function, saved](const autograd::Tensors& gradients) {
      const Tensor dy = dense(gradients[0]), dx = Tensor::empty(dy.shape(), dy.dtype());
      parallel_for(dy.elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
        backend::kernels().arithmetic.unary_gradient(function, dy.dtype(), bytes_at(saved, begin),
                                                     bytes_at(dy, begin), bytes_at(dx, begin), end - begin);
      });
      return autograd::Tensors{dx};
    });
  }
  return y;
}

}  // namespace

Tensor negate(const Tensor& x) {
  check_floating("negate", x);
  return scale(x, -1);
}
Tensor exp(const Tensor& x) {
  return recorded("exp", UnaryFunction::exponential, x);
}
Tensor log(const Tensor& x) {
  return recorded("log", UnaryFunction::logarithm, x);
}
Tensor sqrt(const Tensor& x) {
  return recorded("sqrt", UnaryFunction::square_root, x);
}
Tensor rsqrt(const Tensor& x) {
  return recorded("rsqrt", UnaryFunction::inverse_square_root, x);
}
Tensor square(const Tensor& x) {
  return recorded("square", UnaryFunction::square, x);
}
Tensor absolute(const Tensor& x) {
  return recorded("absolute", UnaryFunction::absolute, x);
}

}  // namespace attend::op
