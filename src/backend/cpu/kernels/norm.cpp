#include "backend/kernels/norm.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

using Forward = backend::NormKernels::Forward;
using Backward = backend::NormKernels::Backward;

// Sums term(i, n) over a row with four accumulators, because one would wait for its own last addition.
template <class C, class Term>
inline C sum_over_row(std::int64_t columns, Term&& term) {
  constexpr std::int64_t lanes = kLanes<C>;
  Vector<C> sums[4] = {};
  std::int64_t i = 0;
  for (; i + 4 * lanes <= columns; i += 4 * lanes)
    for (int k = 0; k < 4; ++k) sums[k] += term(i + k * lanes, lanes);
  for (int k = 0; i < columns; i += lanes, k = (k + 1) % 4)
    sums[k] += term(i, columns - i < lanes ? columns - i : lanes);
  return sum_lanes<C>((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// The lanes at and beyond `count` set to zero.
template <class C>
inline Vector<C> first_lanes(Vector<C> v, std::int64_t count) {
  if (count == kLanes<C>) return v;
  C lanes[kLanes<C>] = {};
  __builtin_memcpy(lanes, &v, static_cast<std::size_t>(count) * sizeof(C));
  return load(lanes);
}

template <class S, bool centred>
void forward_rows(const Forward& work) {
  using C = Compute<S>;
  using V = Vector<C>;
  const std::int64_t columns = work.columns;
  const C* weight = static_cast<const C*>(work.weight);
  const C* bias = static_cast<const C*>(work.bias);
  const C inverse = C(1) / static_cast<C>(columns);
  for (std::int64_t r = 0; r < work.rows; ++r) {
    const S* s = static_cast<const S*>(work.x) + r * columns;
    C mean = 0;
    if (work.residual != nullptr) {
      const S* x = s;
      const S* residual = static_cast<const S*>(work.residual) + r * columns;
      S* sum = static_cast<S*>(work.sum) + r * columns;
      for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
        store_some(sum + i, load_some(x + i, n) + load_some(residual + i, n), n);
      });
      s = sum;
    }
    if constexpr (centred) {
      mean = inverse *
             sum_over_row<C>(columns, [&](std::int64_t i, std::int64_t n) { return load_some(s + i, n); });
    }
    const C square = inverse * sum_over_row<C>(columns, [&](std::int64_t i, std::int64_t n) {
                       const V d =
                           centred ? first_lanes<C>(load_some(s + i, n) - mean, n) : load_some(s + i, n);
                       return d * d;
                     });
    const C total = square + static_cast<C>(work.epsilon);
    const C rstd = C(1) / (sizeof(C) == 4 ? static_cast<C>(__builtin_sqrtf(static_cast<float>(total)))
                                          : static_cast<C>(__builtin_sqrt(static_cast<double>(total))));
    if constexpr (centred) static_cast<C*>(work.mean)[r] = mean;
    static_cast<C*>(work.rstd)[r] = rstd;
    const C centre = mean * rstd;
    S* y = static_cast<S*>(work.y) + r * columns;
    const auto write = [&](auto&& shifted) {
      for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
        store_some(y + i, shifted(load_some(s + i, n) * rstd - centre, i, n), n);
      });
    };
    if (weight != nullptr && bias != nullptr)
      write([&](V v, std::int64_t i, std::int64_t n) {
        return v * load_some(weight + i, n) + load_some(bias + i, n);
      });
    else if (weight != nullptr)
      write([&](V v, std::int64_t i, std::int64_t n) { return v * load_some(weight + i, n); });
    else if (bias != nullptr)
      write([&](V v, std::int64_t i, std::int64_t n) { return v + load_some(bias + i, n); });
    else
      write([&](V v, std::int64_t, std::int64_t) { return v; });
  }
}

// `count` rows together, so that the sums over the rows are read and written once for all of them.
template <class S, bool centred, int count>
void backward_block(const Backward& work, std::int64_t first) {
  using C = Compute<S>;
  using V = Vector<C>;
  const std::int64_t columns = work.columns;
  const S* s = static_cast<const S*>(work.s) + first * columns;
  const S* dy = static_cast<const S*>(work.dy) + first * columns;
  const C* weight = static_cast<const C*>(work.weight);
  C* dweight = static_cast<C*>(work.dweight);
  C* dbias = static_cast<C*>(work.dbias);
  C mean[count] = {}, rstd[count];
  for (int r = 0; r < count; ++r) {
    if constexpr (centred) mean[r] = static_cast<const C*>(work.mean)[first + r];
    rstd[r] = static_cast<const C*>(work.rstd)[first + r];
  }
  // With g = dy weight and z = (s - mean) rstd: dx = rstd (g - [mean of g] - z [mean of g z]), the mean of g
  // only where the mean was subtracted.
  V g_sum[count] = {}, gz_sum[count] = {};
  for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
    const V w = weight == nullptr ? splat(C(1)) : load_some(weight + i, n);
    V weight_sum = {}, bias_sum = {};
#pragma GCC unroll 4
    for (int r = 0; r < count; ++r) {
      const V d = load_some(dy + r * columns + i, n);
      const V z = (load_some(s + r * columns + i, n) - mean[r]) * rstd[r];
      const V dz = d * z;
      weight_sum += dz;
      bias_sum += d;
      gz_sum[r] += dz * w;
      if constexpr (centred) g_sum[r] += d * w;
    }
    if (dweight != nullptr) store_some(dweight + i, load_some(dweight + i, n) + weight_sum, n);
    if (dbias != nullptr) store_some(dbias + i, load_some(dbias + i, n) + bias_sum, n);
  });
  if (work.dx == nullptr) return;
  const C inverse = C(1) / static_cast<C>(columns);
  for (int r = 0; r < count; ++r) {
    const C gz_mean = sum_lanes<C>(gz_sum[r]) * inverse,
            g_mean = centred ? sum_lanes<C>(g_sum[r]) * inverse : C(0);
    const C slope = gz_mean * rstd[r] * rstd[r], offset = g_mean * rstd[r], middle = mean[r];
    const C scale = rstd[r];
    const S* row = s + r * columns;
    const S* d = dy + r * columns;
    const S* ds = work.ds == nullptr ? nullptr : static_cast<const S*>(work.ds) + (first + r) * columns;
    S* dx = static_cast<S*>(work.dx) + (first + r) * columns;
    for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
      const V w = weight == nullptr ? splat(C(1)) : load_some(weight + i, n);
      V v = load_some(d + i, n) * w * scale - ((load_some(row + i, n) - middle) * slope + offset);
      if (ds != nullptr) v += load_some(ds + i, n);
      store_some(dx + i, v, n);
    });
  }
}

template <class S, bool centred>
void backward_rows(const Backward& work) {
  std::int64_t r = 0;
  for (; r + 4 <= work.rows; r += 4) backward_block<S, centred, 4>(work, r);
  for (; r < work.rows; ++r) backward_block<S, centred, 1>(work, r);
}

void forward(const Forward& work) {
  visit_floating(work.dtype, [&]<class S>() {
    work.centred ? forward_rows<S, true>(work) : forward_rows<S, false>(work);
  });
}

void backward(const Backward& work) {
  visit_floating(work.dtype, [&]<class S>() {
    work.centred ? backward_rows<S, true>(work) : backward_rows<S, false>(work);
  });
}

}  // namespace

void fill(backend::NormKernels& kernels) {
  kernels.forward = forward;
  kernels.backward = backward;
}

}  // namespace attend::ATTEND_ISA
