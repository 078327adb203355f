#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "attend/base/parallel.h"
#include "attend/tensor/shape.h"

namespace attend {

/// The axes that N operands of one shape are walked along: outermost first, at least two of them.
template <std::size_t N>
struct StridedLoop {
  Shape shape;
  std::array<Shape, N> strides;
};

/// A matrix of elements: the innermost two axes of a StridedLoop, or a part of them. Offsets and strides are
/// in elements.
template <std::size_t N>
struct StridedBlock {
  std::int64_t rows = 0, columns = 0;
  std::array<std::int64_t, N> offset{}, row_stride{}, column_stride{};
};

/// The loop over all elements with as few axes as possible: without axes of size 1, neighbours merged where
/// the memory of every operand allows it.
template <std::size_t N>
StridedLoop<N> merge_axes(const Shape& shape, const std::array<Shape, N>& strides) {
  StridedLoop<N> loop;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    const int last = loop.shape.rank() - 1;
    bool merges = last >= 0;
    for (std::size_t i = 0; merges && i < N; ++i)
      merges = loop.strides[i][last] == shape[axis] * strides[i][axis];
    if (merges) {
      loop.shape.set(last, loop.shape[last] * shape[axis]);
      for (std::size_t i = 0; i < N; ++i) loop.strides[i].set(last, strides[i][axis]);
    } else {
      loop.shape.append(shape[axis]);
      for (std::size_t i = 0; i < N; ++i) loop.strides[i].append(strides[i][axis]);
    }
  }
  while (loop.shape.rank() < 2) {
    loop.shape = loop.shape.inserted(0, 1);
    for (Shape& list : loop.strides) list = list.inserted(0, 0);
  }
  return loop;
}

/// Calls body(StridedBlock<N>) for blocks of about `grain` elements that cover the loop, on all threads. The
/// blocks depend on the loop and the grain alone.
template <std::size_t N, class Body>
void parallel_for_blocks(const StridedLoop<N>& loop, std::int64_t grain, Body&& body) {
  const int last = loop.shape.rank() - 1;
  const std::int64_t rows = loop.shape[last - 1], columns = loop.shape[last];
  if (loop.shape.elements() == 0) return;
  const std::int64_t all_rows = loop.shape.elements() / columns;
  StridedBlock<N> whole;
  for (std::size_t i = 0; i < N; ++i) {
    whole.row_stride[i] = loop.strides[i][last - 1];
    whole.column_stride[i] = loop.strides[i][last];
  }
  // The block that starts at a row, counted over all outer axes, and a column.
  const auto at = [&](std::int64_t row, std::int64_t column) {
    StridedBlock<N> block = whole;
    for (std::size_t i = 0; i < N; ++i) block.offset[i] = column * block.column_stride[i];
    for (int axis = last - 1; axis >= 0; --axis) {
      const std::int64_t place = row % loop.shape[axis];
      row /= loop.shape[axis];
      for (std::size_t i = 0; i < N; ++i) block.offset[i] += place * loop.strides[i][axis];
    }
    return block;
  };
  if (columns >= 2 * grain) {
    const std::int64_t pieces = (columns + grain - 1) / grain;
    parallel_for(all_rows * pieces, 1, [&](std::int64_t piece, std::int64_t) {
      const std::int64_t column = piece % pieces * grain;
      StridedBlock<N> block = at(piece / pieces, column);
      block.rows = 1;
      block.columns = std::min(grain, columns - column);
      body(block);
    });
    return;
  }
  parallel_for(all_rows, std::max<std::int64_t>(1, grain / columns),
               [&](std::int64_t begin, std::int64_t end) {
                 while (begin < end) {
                   StridedBlock<N> block = at(begin, 0);
                   block.rows = std::min(end - begin, rows - begin % rows);
                   block.columns = columns;
                   body(block);
                   begin += block.rows;
                 }
               });
}

}  // namespace attend
