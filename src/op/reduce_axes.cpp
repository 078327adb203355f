#include "op/reduce_axes.h"

#include <algorithm>
#include <vector>

#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "backend/kernels.h"
#include "op/view.h"

namespace attend::op {

namespace {

constexpr std::int64_t kGrain = 1 << 15;
constexpr std::int64_t kRowChunk = 1 << 14;
constexpr std::int64_t kColumnChunk = 256;

std::int64_t chunks_of(std::int64_t n, std::int64_t chunk) {
  return (n + chunk - 1) / chunk;
}

// [outer, n] to [outer], in chunks of each row.
Tensor reduce_last(backend::Reduction reduction, const Tensor& x, std::int64_t outer, std::int64_t n) {
  const std::int64_t chunks = chunks_of(n, kRowChunk), chunk = std::min(n, kRowChunk);
  const Tensor partial = Tensor::empty({outer * chunks}, x.dtype() == DType::f64 ? DType::f64 : DType::f32);
  const auto& kernel = backend::kernels().reduce.rows;
  if (chunks == 1) {
    parallel_for(outer, std::max<std::int64_t>(1, kGrain / n), [&](std::int64_t begin, std::int64_t end) {
      kernel(reduction, x.dtype(), bytes_at(x, begin * n), n, end - begin, n, bytes_at(partial, begin), 1);
    });
    return partial;
  }
  parallel_for(outer * chunks, 1, [&](std::int64_t piece, std::int64_t) {
    const std::int64_t row = piece / chunks, column = piece % chunks * chunk;
    kernel(reduction, x.dtype(), bytes_at(x, row * n + column), n, 1, std::min(chunk, n - column),
           bytes_at(partial, piece), 1);
  });
  return reduce_last(reduction, partial, outer, chunks);
}

// [outer, n, inner] to [outer, inner], in blocks of rows and columns.
Tensor reduce_middle(backend::Reduction reduction, const Tensor& x, std::int64_t outer, std::int64_t n,
                     std::int64_t inner) {
  if (inner == 1) return reduce_last(reduction, x, outer, n);
  const std::int64_t row_chunks = chunks_of(n, kColumnChunk), rows = std::min(n, kColumnChunk);
  const std::int64_t columns = std::min(inner, std::max<std::int64_t>(512, kGrain / rows));
  const std::int64_t column_chunks = chunks_of(inner, columns);
  const Tensor partial =
      Tensor::empty({outer * row_chunks * inner}, x.dtype() == DType::f64 ? DType::f64 : DType::f32);
  const std::int64_t grain = std::max<std::int64_t>(1, kGrain / (rows * columns));
  parallel_for(outer * row_chunks * column_chunks, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t piece = begin; piece < end; ++piece) {
      const std::int64_t column = piece % column_chunks * columns, block = piece / column_chunks;
      const std::int64_t row = block % row_chunks * rows, o = block / row_chunks;
      backend::kernels().reduce.columns(reduction, x.dtype(), bytes_at(x, (o * n + row) * inner + column),
                                        inner, std::min(rows, n - row), std::min(columns, inner - column),
                                        bytes_at(partial, block * inner + column));
    }
  });
  return row_chunks == 1 ? partial : reduce_middle(reduction, partial, outer, row_chunks, inner);
}

struct AxisGroup {
  std::int64_t size;
  bool is_reduced;
};

}  // namespace

Tensor reduce_axes(backend::Reduction reduction, const Tensor& x, AxisSet axes) {
  const DType dtype = x.dtype() == DType::f64 ? DType::f64 : DType::f32;
  Shape shape = x.shape();
  std::vector<AxisGroup> groups;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool is_reduced = axes[static_cast<std::size_t>(axis)];
    if (is_reduced) shape.set(axis, 1);
    if (x.shape()[axis] == 1) continue;
    if (!groups.empty() && groups.back().is_reduced == is_reduced)
      groups.back().size *= x.shape()[axis];
    else
      groups.push_back({x.shape()[axis], is_reduced});
  }
  if (x.elements() == 0) return Tensor::zeros(shape, dtype);
  Tensor current = dense(x);
  for (std::size_t g = groups.size(); g-- > 0;) {
    if (!groups[g].is_reduced) continue;
    std::int64_t outer = 1, inner = 1;
    for (std::size_t i = 0; i < g; ++i) outer *= groups[i].size;
    for (std::size_t i = g + 1; i < groups.size(); ++i) inner *= groups[i].size;
    current = reduce_middle(reduction, current, outer, groups[g].size, inner);
    groups[g].size = 1;
  }
  // A result never shares memory with what it was computed from.
  if (current.storage() == x.storage() && dtype == x.dtype()) current = current.clone();
  return backend::cast(current, dtype).view_as(shape, row_major_strides(shape));
}

}  // namespace attend::op
