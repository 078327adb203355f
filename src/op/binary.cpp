#include "op/binary.h"

#include "attend/base/parallel.h"
#include "backend/kernels.h"
#include "op/view.h"
#include "tensor/strided_loop.h"

namespace attend::op {

namespace {

constexpr std::int64_t kGrain = 1 << 15;

// Kernels take rows whose elements lie side by side, or are all the same one.
bool fits_kernel(std::int64_t column_stride) {
  return column_stride == 0 || column_stride == 1;
}

}  // namespace

Tensor binary(backend::BinaryFunction function, const Tensor& a, const Tensor& b) {
  const Shape shape = broadcast(a.shape(), b.shape());
  const Tensor out = Tensor::empty(shape, a.dtype());
  const auto loop_of = [&](const Tensor& x, const Tensor& y) {
    return merge_axes<3>(shape, {out.strides(), expanded(x, shape).strides(), expanded(y, shape).strides()});
  };
  Tensor x = a, y = b;
  StridedLoop<3> loop = loop_of(x, y);
  const int last = loop.shape.rank() - 1;
  if (!fits_kernel(loop.strides[1][last]) || !fits_kernel(loop.strides[2][last])) {
    x = dense(x);
    y = dense(y);
    loop = loop_of(x, y);
  }
  const auto& kernel = backend::kernels().arithmetic.binary;
  parallel_for_blocks(loop, kGrain, [&](const StridedBlock<3>& block) {
    kernel(function, a.dtype(), {bytes_at(x, block.offset[1]), block.row_stride[1], block.column_stride[1]},
           {bytes_at(y, block.offset[2]), block.row_stride[2], block.column_stride[2]},
           bytes_at(out, block.offset[0]), block.row_stride[0], block.rows, block.columns);
  });
  return out;
}

Tensor affine(const Tensor& x, double factor, double term) {
  const Tensor in = dense(x);
  const Tensor out = Tensor::empty(x.shape(), x.dtype());
  parallel_for(x.elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    backend::kernels().arithmetic.affine(x.dtype(), bytes_at(in, begin), factor, term, bytes_at(out, begin),
                                         end - begin);
  });
  return out;
}

}  // namespace attend::op
