#include "backend/kernels/reduce.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::Reduction;

struct Sum {
  template <class V>
  V operator()(V a, V b) const {
    return a + b;
  }
};

struct Maximum {
  template <class V>
  V operator()(V a, V b) const {
    return (a != a) ? a : ((a > b) ? a : b);
  }
};

template <class Body>
void visit_reduction(Reduction reduction, Body&& body) {
  if (reduction == Reduction::sum)
    body(Sum());
  else
    body(Maximum());
}

template <class S, class Combine>
Compute<S> reduce_row(const S* p, std::int64_t columns, Combine combine) {
  using C = Compute<S>;
  constexpr std::int64_t kLane = kLanes<C>;
  C result = to_compute(p[0]);
  std::int64_t i = 1;
  // Four vectors side by side, because an addition depends on the one before.
  if (columns >= 4 * kLane) {
    Vector<C> parts[4];
    for (int k = 0; k < 4; ++k) parts[k] = load(p + k * kLane);
    for (i = 4 * kLane; i + 4 * kLane <= columns; i += 4 * kLane)
      for (int k = 0; k < 4; ++k) parts[k] = combine(parts[k], load(p + i + k * kLane));
    const Vector<C> total = combine(combine(parts[0], parts[1]), combine(parts[2], parts[3]));
    C lanes[kLane];
    __builtin_memcpy(lanes, &total, sizeof total);
    for (std::int64_t step = kLane / 2; step > 0; step /= 2)
      for (std::int64_t k = 0; k < step; ++k) lanes[k] = combine(lanes[k], lanes[k + step]);
    result = lanes[0];
  }
  for (; i < columns; ++i) result = combine(result, to_compute(p[i]));
  return result;
}

void reduce_rows(Reduction reduction, DType dtype, const void* in, std::int64_t row_stride, std::int64_t rows,
                 std::int64_t columns, void* out, std::int64_t out_stride) {
  visit_reduction(reduction, [&](auto combine) {
    visit_floating(dtype, [&]<class S>() {
      for (std::int64_t r = 0; r < rows; ++r)
        static_cast<Compute<S>*>(out)[r * out_stride] =
            reduce_row(static_cast<const S*>(in) + r * row_stride, columns, combine);
    });
  });
}

// `Width` vectors of columns at a time, so that whole cache lines of each row are used while they are there.
template <int Width, class S, class Combine>
void reduce_column_block(const S* p, std::int64_t row_stride, std::int64_t rows, Compute<S>* out,
                         Combine combine) {
  constexpr std::int64_t kLane = kLanes<Compute<S>>;
  Vector<Compute<S>> parts[Width];
  for (int k = 0; k < Width; ++k) parts[k] = load(p + k * kLane);
  for (std::int64_t r = 1; r < rows; ++r)
    for (int k = 0; k < Width; ++k) parts[k] = combine(parts[k], load(p + r * row_stride + k * kLane));
  for (int k = 0; k < Width; ++k) store(out + k * kLane, parts[k]);
}

void reduce_columns(Reduction reduction, DType dtype, const void* in, std::int64_t row_stride,
                    std::int64_t rows, std::int64_t columns, void* out) {
  visit_reduction(reduction, [&](auto combine) {
    visit_floating(dtype, [&]<class S>() {
      using C = Compute<S>;
      constexpr std::int64_t kLane = kLanes<C>;
      const S* p = static_cast<const S*>(in);
      C* q = static_cast<C*>(out);
      std::int64_t c = 0;
      for (; c + 8 * kLane <= columns; c += 8 * kLane)
        reduce_column_block<8>(p + c, row_stride, rows, q + c, combine);
      for (; c + kLane <= columns; c += kLane)
        reduce_column_block<1>(p + c, row_stride, rows, q + c, combine);
      if (c == columns) return;
      Vector<C> part = load_partial(p + c, columns - c);
      for (std::int64_t r = 1; r < rows; ++r)
        part = combine(part, load_partial(p + r * row_stride + c, columns - c));
      store_partial(q + c, part, columns - c);
    });
  });
}

}  // namespace

void fill(backend::ReduceKernels& kernels) {
  kernels.rows = reduce_rows;
  kernels.columns = reduce_columns;
}

}  // namespace attend::ATTEND_ISA
