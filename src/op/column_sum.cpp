#include "op/column_sum.h"

#include "attend/base/parallel.h"
#include "backend/kernels.h"

namespace attend::op {

Tensor column_sum(const Tensor& matrix) {
  const std::int64_t rows = matrix.dim(0), columns = matrix.dim(1);
  const DType dtype = matrix.dtype() == DType::f64 ? DType::f64 : DType::f32;
  constexpr std::int64_t kRows = 256;
  const std::int64_t chunks = (rows + kRows - 1) / kRows;
  const auto width = static_cast<std::int64_t>(size_of(matrix.dtype()));
  const auto sum_width = static_cast<std::int64_t>(size_of(dtype));
  const Tensor partial = Tensor::zeros({chunks, columns}, dtype), total = Tensor::zeros({columns}, dtype);
  const auto& add_columns = backend::kernels().elementwise.add_columns;
  parallel_for(rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    add_columns(matrix.dtype(), static_cast<const std::byte*>(matrix.raw()) + begin * columns * width,
                end - begin, columns,
                static_cast<std::byte*>(partial.raw()) + begin / kRows * columns * sum_width);
  });
  add_columns(dtype, partial.raw(), chunks, columns, total.raw());
  return total;
}

}  // namespace attend::op
