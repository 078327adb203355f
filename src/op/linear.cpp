#include "attend/op/linear.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "backend/kernels.h"
#include "backend/matmul.h"
#include "op/column_sum.h"

namespace attend::op {

namespace {

Tensor transposed(const Tensor& matrix) {
  return matrix.view_as({matrix.dim(1), matrix.dim(0)}, {matrix.strides()[1], matrix.strides()[0]});
}

Tensor as_rows(const Tensor& tensor) {
  const Tensor dense = tensor.is_contiguous() ? tensor : tensor.clone();
  const std::int64_t columns = dense.dim(-1);
  return dense.view_as({columns == 0 ? 0 : dense.elements() / columns, columns}, {columns, 1});
}

// Up to here reading the weights costs more than the products, and packing them for oneDNN would read them
// again.
constexpr std::int64_t kFewRows = 4;

void few_rows(const Tensor& rows, const Tensor& weight, const Tensor& bias, const Tensor& y) {
  const std::int64_t in = weight.dim(1), out = weight.dim(0);
  constexpr std::int64_t kBytesOfAChunk = 1 << 17;
  const std::int64_t grain = std::max<std::int64_t>(
      8, kBytesOfAChunk / std::max<std::int64_t>(1, in * static_cast<std::int64_t>(size_of(weight.dtype()))) /
             8 * 8);
  parallel_for(out, grain, [&](std::int64_t begin, std::int64_t end) {
    backend::kernels().matrix_vector.few_rows(rows.dtype(), rows.raw(), weight.raw(),
                                              bias.defined() ? bias.raw() : nullptr, y.raw(), rows.dim(0), in,
                                              out, begin, end);
  });
}

void check(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const auto fail = [&](std::string_view why) {
    throw Error(
        fmt::format("linear of x {}, weight {}, bias {}: {}", x.text(), weight.text(), bias.text(), why));
  };
  if (x.rank() < 1 || weight.rank() != 2 || x.dim(-1) != weight.dim(1))
    fail("x [..., in] and weight [out, in] needed");
  const bool master = x.dtype() == DType::bf16 && weight.dtype() == DType::f32;
  if (!is_floating(x.dtype()) || (x.dtype() != weight.dtype() && !master))
    fail("one floating dtype needed, or bf16 x with f32 weight");
  const DType bias_dtype = x.dtype() == DType::f64 ? DType::f64 : DType::f32;
  if (bias.defined() && (!(bias.shape() == Shape{weight.dim(0)}) || bias.dtype() != bias_dtype))
    fail(fmt::format("bias {} [out] needed", name_of(bias_dtype)));
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check(x, weight, bias);
  const Tensor rows = as_rows(x);
  const bool recording = autograd::is_recording({x, weight, bias});
  Shape shape = x.shape();
  shape.set(-1, weight.dim(0));
  const Tensor y = Tensor::empty(shape, x.dtype());
  if (!recording && rows.dim(0) <= kFewRows && weight.dtype() == x.dtype() && weight.is_contiguous()) {
    few_rows(rows, weight, bias, y);
    return y;
  }
  const Tensor compute_weight = backend::cast(weight, x.dtype());
  backend::matmul(rows, transposed(compute_weight), as_rows(y),
                  {.bias = bias.defined() ? bias.detach() : Tensor()});
  if (recording) {
    const bool for_x = autograd::requires_grad(x), for_weight = autograd::requires_grad(weight),
               for_bias = autograd::requires_grad(bias);
    autograd::record(
        "linear", {x, weight, bias}, {y},
        [rows = for_weight ? rows : Tensor(), compute_weight, for_x, for_weight, for_bias,
         x_shape = x.shape(), weight_dtype = weight.dtype()](const autograd::Tensors& gradients) {
          const Tensor dy = as_rows(gradients[0]);
          autograd::Tensors result(3);
          if (for_x) {
            result[0] = Tensor::empty(x_shape, dy.dtype());
            backend::matmul(dy, compute_weight, as_rows(result[0]));
          }
          if (for_weight) {
            result[1] = Tensor::empty(compute_weight.shape(), weight_dtype);
            backend::matmul(transposed(dy), rows, result[1]);
          }
          if (for_bias) result[2] = column_sum(dy);
          return result;
        });
  }
  return y;
}

}  // namespace attend::op
