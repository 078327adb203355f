#include "backend/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/onednn_product.h"

namespace attend::backend {

namespace {

// True when oneDNN can read the last two axes as they lie: one of them dense, the other one not overlapping.
bool is_readable(const Tensor& tensor) {
  const int r = tensor.rank();
  const std::int64_t rows = tensor.dim(-2), columns = tensor.dim(-1);
  const std::int64_t row_stride = tensor.strides()[r - 2], column_stride = tensor.strides()[r - 1];
  return (column_stride == 1 && row_stride >= columns) || (row_stride == 1 && column_stride >= rows);
}

ProductOperand operand_of(const Tensor& tensor) {
  return {.dtype = tensor.dtype(),
          .dims = {tensor.shape().begin(), tensor.shape().end()},
          .strides = {tensor.strides().begin(), tensor.strides().end()},
          .data = static_cast<std::byte*>(tensor.raw())};
}

// Many rows against one matrix: one large product instead of a batch of small ones.
bool fold_rows(Tensor& a, Tensor& b, Tensor& out) {
  if (a.rank() < 3 || !a.is_contiguous() || b.elements() != b.dim(-1) * b.dim(-2)) return false;
  const std::int64_t rows = a.elements() / std::max<std::int64_t>(a.dim(-1), 1);
  b = b.view_as({b.dim(-2), b.dim(-1)}, {b.strides()[b.rank() - 2], b.strides()[b.rank() - 1]});
  a = a.view_as({rows, a.dim(-1)}, {a.dim(-1), 1});
  out = out.view_as({rows, out.dim(-1)}, {out.dim(-1), 1});
  return true;
}

Tensor with_leading_axes(const Tensor& tensor, int rank) {
  Shape shape = tensor.shape(), strides = tensor.strides();
  while (shape.rank() < rank) {
    strides = strides.inserted(0, shape.elements());
    shape = shape.inserted(0, 1);
  }
  return tensor.view_as(shape, strides);
}

// The definition in f64, for gradient checks: plain loops in a fixed order.
void matmul_f64(const Tensor& a, const Tensor& b, const Tensor& out, const MatmulOptions& options) {
  const int r = out.rank();
  const std::int64_t m = out.dim(-2), n = out.dim(-1), k = a.dim(-1);
  const std::int64_t batches = m * n == 0 ? 0 : out.elements() / (m * n);
  const std::int64_t a_step = a.strides()[r - 1], b_row = b.strides()[r - 2], b_step = b.strides()[r - 1];
  const double* bias = options.bias.defined() ? options.bias.data<double>() : nullptr;
  parallel_for(batches * m, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      std::int64_t rest = row / m;
      const double* pa = a.data<double>() + row % m * a.strides()[r - 2];
      const double* pb = b.data<double>();
      for (int axis = r - 3; axis >= 0; --axis) {
        const std::int64_t index = rest % out.shape()[axis];
        rest /= out.shape()[axis];
        if (a.shape()[axis] != 1) pa += index * a.strides()[axis];
        if (b.shape()[axis] != 1) pb += index * b.strides()[axis];
      }
      double* po = out.data<double>() + row * n;
      for (std::int64_t j = 0; j < n; ++j)
        po[j] = (options.accumulate ? po[j] : 0) + (bias != nullptr ? bias[j] : 0);
      for (std::int64_t i = 0; i < k; ++i) {
        const double value = pa[i * a_step];
        const double* line = pb + i * b_row;
        for (std::int64_t j = 0; j < n; ++j) po[j] += value * line[j * b_step];
      }
    }
  });
}

void check(const Tensor& a, const Tensor& b, const Tensor& out, const MatmulOptions& options) {
  const auto fail = [&](std::string_view why) {
    throw Error(fmt::format("matmul of {} and {} into {}: {}", a.text(), b.text(), out.text(), why));
  };
  if (a.rank() < 2 || b.rank() < 2 || out.rank() < 2) fail("each needs at least two axes");
  if (a.dim(-1) != b.dim(-2)) fail("the columns of the first must equal the rows of the second");
  if (out.dim(-2) != a.dim(-2) || out.dim(-1) != b.dim(-1)) fail("the output has another shape");
  if (!out.is_contiguous()) fail("the output must be dense");
  const bool known = a.dtype() == b.dtype() &&
                     (a.dtype() == DType::bf16 ? out.dtype() != DType::f64 && is_floating(out.dtype())
                                               : a.dtype() == out.dtype());
  if (!known || !is_floating(a.dtype())) fail("supported are f32, f64, and bf16 into bf16 or f32");
  const DType bias_dtype = a.dtype() == DType::f64 ? DType::f64 : DType::f32;
  if (options.bias.defined() &&
      (options.bias.dtype() != bias_dtype || !(options.bias.shape() == Shape{out.dim(-1)}) ||
       !options.bias.is_contiguous()))
    fail(fmt::format("the bias is {}", options.bias.text()));
}

// Tiles of AMX for a sum of one less than a multiple of 32 terms have a shape in oneDNN 2.6 that the
// processor refuses (illegal instruction; oneDNN's issue 1661).
bool is_refused_by_amx(const Tensor& a) {
  constexpr std::int64_t kTileTerms = 32;
  return a.dtype() == DType::bf16 && active_isa() >= Isa::amx && a.dim(-1) % kTileTerms == kTileTerms - 1;
}

// A copy with one more index on an axis (-1: the last), of zeros.
Tensor with_zeros_behind(const Tensor& tensor, int axis) {
  Shape shape = tensor.shape();
  shape.set(axis, tensor.dim(axis) + 1);
  const Tensor result = Tensor::zeros(shape, tensor.dtype());
  result.view_as(tensor.shape(), result.strides()).copy_from(tensor);
  return result;
}

}  // namespace

void matmul(const Tensor& a, const Tensor& b, const Tensor& out, const MatmulOptions& options) {
  check(a, b, out, options);
  if (out.elements() == 0) return;
  if (a.dim(-1) == 0) {
    if (!options.accumulate)
      std::memset(out.raw(), 0, static_cast<std::size_t>(out.elements()) * size_of(out.dtype()));
    if (options.bias.defined()) throw Error("matmul over an axis of size 0 with a bias is not supported");
    return;
  }
  if (a.dtype() == DType::bf16 && active_isa() < Isa::avx512_bf16) {
    // Without bf16 dot products oneDNN would emulate them, several times slower than a product in f32.
    const Tensor wide = out.dtype() == DType::f32 ? out : cast(out, DType::f32);
    matmul(cast(a, DType::f32), cast(b, DType::f32), wide, options);
    if (out.dtype() != DType::f32) out.copy_from(cast(wide, DType::bf16));
    return;
  }
  if (is_refused_by_amx(a)) return matmul(with_zeros_behind(a, -1), with_zeros_behind(b, -2), out, options);
  const int rank = std::max({a.rank(), b.rank(), out.rank()});
  Tensor left = with_leading_axes(a, rank), right = with_leading_axes(b, rank),
         result = with_leading_axes(out, rank);
  for (int axis = 0; axis < rank - 2; ++axis)
    for (const Tensor* operand : {&left, &right})
      if (operand->shape()[axis] != result.shape()[axis] && operand->shape()[axis] != 1)
        throw Error(fmt::format("matmul of {} and {} into {}: the batch axes differ", a.text(), b.text(),
                                out.text()));
  if (out.dtype() == DType::f64) return matmul_f64(left, right, result, options);
  if (!is_readable(left)) left = left.clone();
  if (!is_readable(right)) right = right.clone();
  fold_rows(left, right, result);
  try {
    multiply({.a = operand_of(left),
              .b = operand_of(right),
              .out = operand_of(result),
              .bias = options.bias.defined() ? options.bias.data<float>() : nullptr,
              .accumulate = options.accumulate});
  } catch (const Error& error) {
    throw Error(fmt::format("matmul of {} and {} into {}: {}", a.text(), b.text(), out.text(), error.what()));
  }
}

}  // namespace attend::backend
