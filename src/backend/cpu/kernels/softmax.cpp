#include "backend/kernels/softmax.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

template <class C>
C scalar_log(C x) {
  if constexpr (sizeof(C) == 4)
    return __builtin_logf(x);
  else
    return __builtin_log(x);
}

template <class C>
constexpr C kInfinity = C(__builtin_inf());

// Lanes beyond the end hold `fill`, so that sums and maxima may run over whole vectors.
template <class S>
Vector<Compute<S>> load_filled(const S* p, std::int64_t count, Compute<S> fill) {
  using C = Compute<S>;
  if (count == kLanes<C>) return load(p);
  C lanes[kLanes<C>];
  for (int i = 0; i < kLanes<C>; ++i) lanes[i] = i < count ? to_compute(p[i]) : fill;
  return load(lanes);
}

template <class S>
Compute<S> row_maximum(const S* x, std::int64_t columns) {
  using C = Compute<S>;
  Vector<C> best = splat(-kInfinity<C>);
  for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
    best = max_of(best, load_filled(x + i, n, -kInfinity<C>));
  });
  return max_lanes<C>(best);
}

// The sum of exp(x - maximum); `keep` also stores the terms.
template <bool keep, class S>
Compute<S> row_exponentials(const S* x, Compute<S> maximum, S* y, std::int64_t columns) {
  using C = Compute<S>;
  Vector<C> sum{};
  for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
    const Vector<C> e = exp<C>(load_filled(x + i, n, -kInfinity<C>) - maximum);
    if constexpr (keep) store_some(y + i, e, n);
    sum += e;
  });
  return sum_lanes<C>(sum);
}

template <class S>
void fill_row(S* y, Compute<S> value, std::int64_t columns) {
  for (std::int64_t i = 0; i < columns; ++i) from_compute(value, y[i]);
}

// What a row without a maximum above -infinity gets: `value`, or NaN when it holds one, because NaN does not
// show in the maximum.
template <class S>
void fill_masked_row(const S* x, S* y, Compute<S> value, std::int64_t columns) {
  for (std::int64_t i = 0; i < columns; ++i)
    if (const Compute<S> v = to_compute(x[i]); v != v) value = v;
  fill_row(y, value, columns);
}

template <class S>
void softmax_row(const S* x, S* y, std::int64_t columns) {
  using C = Compute<S>;
  // A type narrower than the one it is computed with would round the terms before they are divided.
  constexpr bool keep = sizeof(S) == sizeof(C);
  const C maximum = row_maximum(x, columns);
  if (maximum == -kInfinity<C>) {
    fill_masked_row(x, y, C(0), columns);
    return;
  }
  const C inverse = C(1) / row_exponentials<keep>(x, maximum, y, columns);
  for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
    const Vector<C> e = keep ? load_some(y + i, n) : exp<C>(load_some(x + i, n) - maximum);
    store_some(y + i, e * inverse, n);
  });
}

template <class S>
void softmax_gradient_row(const S* y, const S* dy, S* dx, std::int64_t columns) {
  using C = Compute<S>;
  Vector<C> sum{};
  for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
    sum += load_filled(y + i, n, C(0)) * load_filled(dy + i, n, C(0));
  });
  const C product = sum_lanes<C>(sum);
  for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
    store_some(dx + i, load_some(y + i, n) * (load_some(dy + i, n) - product), n);
  });
}

template <class S>
void log_softmax_row(const S* x, S* y, std::int64_t columns) {
  using C = Compute<S>;
  const C maximum = row_maximum(x, columns);
  if (maximum == -kInfinity<C>) {
    fill_masked_row(x, y, -kInfinity<C>, columns);
    return;
  }
  const C log_sum = scalar_log(row_exponentials<false>(x, maximum, y, columns));
  for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
    store_some(y + i, (load_some(x + i, n) - maximum) - log_sum, n);
  });
}

template <class S>
void log_softmax_gradient_row(const S* y, const S* dy, S* dx, std::int64_t columns) {
  using C = Compute<S>;
  if (row_maximum(y, columns) == -kInfinity<C>) {
    fill_row(dx, C(0), columns);
    return;
  }
  Vector<C> sum{};
  for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) { sum += load_filled(dy + i, n, C(0)); });
  const C total = sum_lanes<C>(sum);
  for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
    store_some(dx + i, load_some(dy + i, n) - exp<C>(load_some(y + i, n)) * total, n);
  });
}

void softmax(DType dtype, const void* x, void* y, std::int64_t rows, std::int64_t columns) {
  visit_floating(dtype, [&]<class S>() {
    for (std::int64_t r = 0; r < rows; ++r)
      softmax_row(static_cast<const S*>(x) + r * columns, static_cast<S*>(y) + r * columns, columns);
  });
}

void softmax_gradient(DType dtype, const void* y, const void* dy, void* dx, std::int64_t rows,
                      std::int64_t columns) {
  visit_floating(dtype, [&]<class S>() {
    for (std::int64_t r = 0; r < rows; ++r)
      softmax_gradient_row(static_cast<const S*>(y) + r * columns, static_cast<const S*>(dy) + r * columns,
                           static_cast<S*>(dx) + r * columns, columns);
  });
}

void log_softmax(DType dtype, const void* x, void* y, std::int64_t rows, std::int64_t columns) {
  visit_floating(dtype, [&]<class S>() {
    for (std::int64_t r = 0; r < rows; ++r)
      log_softmax_row(static_cast<const S*>(x) + r * columns, static_cast<S*>(y) + r * columns, columns);
  });
}

void log_softmax_gradient(DType dtype, const void* y, const void* dy, void* dx, std::int64_t rows,
                          std::int64_t columns) {
  visit_floating(dtype, [&]<class S>() {
    for (std::int64_t r = 0; r < rows; ++r)
      log_softmax_gradient_row(static_cast<const S*>(y) + r * columns,
                               static_cast<const S*>(dy) + r * columns, static_cast<S*>(dx) + r * columns,
                               columns);
  });
}

}  // namespace

void fill(backend::SoftmaxKernels& kernels) {
  kernels.softmax = softmax;
  kernels.softmax_gradient = softmax_gradient;
  kernels.log_softmax = log_softmax;
  kernels.log_softmax_gradient = log_softmax_gradient;
}

}  // namespace attend::ATTEND_ISA
