#include "backend/kernels/cross_entropy.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

using Forward = backend::CrossEntropyKernels::Forward;
using Backward = backend::CrossEntropyKernels::Backward;

template <class C>
inline C log_of(C x) {
  if constexpr (sizeof(C) == 4) return __builtin_logf(x);
  return __builtin_log(x);
}

// The loads of a short last block, with a chosen value in the lanes that are out of range.
template <class S>
inline Vector<Compute<S>> load_padded(const S* p, std::int64_t count, Compute<S> padding) {
  using C = Compute<S>;
  if (count == kLanes<C>) return load(p);
  IntegerVector<C> lane;
  for (int i = 0; i < kLanes<C>; ++i) lane[i] = i;
  return lane < static_cast<typename VectorOf<C>::scalar_integer>(count) ? load_partial(p, count)
                                                                         : splat(padding);
}

template <class S>
[[gnu::flatten]] void forward_rows(const Forward& work) {
  using C = Compute<S>;
  using V = Vector<C>;
  constexpr std::int64_t lanes = kLanes<C>;
  const C lowest = -C(__builtin_inf());
  const C smoothing = static_cast<C>(work.label_smoothing);
  for (std::int64_t r = 0; r < work.rows; ++r) {
    const S* row = static_cast<const S*>(work.logits) + r * work.classes;
    C& loss = static_cast<C*>(work.losses)[r];
    C& log_sum_exp = static_cast<C*>(work.log_sum_exp)[r];
    if (work.targets[r] == work.ignore_index) {
      loss = 0;
      log_sum_exp = 0;
      continue;
    }
    V highest[2] = {splat(lowest), splat(lowest)}, total[2] = {};
    std::int64_t i = 0;
    for (; i + 2 * lanes <= work.classes; i += 2 * lanes)
      for (int k = 0; k < 2; ++k) highest[k] = max_of(load(row + i + k * lanes), highest[k]);
    for_each_vector<C>(work.classes - i, [&](std::int64_t j, std::int64_t n) {
      highest[0] = max_of(load_padded(row + i + j, n, lowest), highest[0]);
    });
    C maximum = max_lanes<C>(max_of(highest[0], highest[1]));
    // Of a row of minus infinities nothing may be subtracted; NaN and infinity come through the sum.
    if (!(maximum > lowest)) maximum = 0;
    V exponentials[2] = {};
    i = 0;
    for (; i + 2 * lanes <= work.classes; i += 2 * lanes)
      for (int k = 0; k < 2; ++k) exponentials[k] += exp<C>(load(row + i + k * lanes) - maximum);
    for_each_vector<C>(work.classes - i, [&](std::int64_t j, std::int64_t n) {
      exponentials[0] += exp<C>(load_padded(row + i + j, n, lowest) - maximum);
    });
    log_sum_exp = maximum + log_of(sum_lanes<C>(exponentials[0] + exponentials[1]));
    loss = (1 - smoothing) * (log_sum_exp - to_compute(row[work.targets[r]]));
    if (smoothing != 0) {
      for_each_vector<C>(work.classes, [&](std::int64_t j, std::int64_t n) {
        total[0] += log_sum_exp - load_padded(row + j, n, log_sum_exp);
      });
      loss += smoothing / static_cast<C>(work.classes) * sum_lanes<C>(total[0]);
    }
  }
}

template <class S, class G>
[[gnu::flatten]] void backward_rows(const Backward& work) {
  using C = Compute<S>;
  using V = Vector<C>;
  const C smoothing = static_cast<C>(work.label_smoothing);
  const C everywhere = smoothing / static_cast<C>(work.classes);
  for (std::int64_t r = 0; r < work.rows; ++r) {
    const S* row = static_cast<const S*>(work.logits) + r * work.classes;
    G* gradient = static_cast<G*>(work.gradient) + r * work.classes;
    const std::int64_t target = work.targets[r];
    if (target == work.ignore_index) {
      for_each_vector<C>(work.classes,
                         [&](std::int64_t i, std::int64_t n) { store_some(gradient + i, V{}, n); });
      continue;
    }
    const C log_sum_exp = static_cast<const C*>(work.log_sum_exp)[r];
    const C scale = static_cast<C>(work.scale) *
                    (work.row_scale == nullptr ? C(1) : static_cast<const C*>(work.row_scale)[r]);
    // Read before the row may be overwritten.
    const V at_target = exp<C>(splat(to_compute(row[target]) - log_sum_exp));
    for_each_vector<C>(work.classes, [&](std::int64_t i, std::int64_t n) {
      store_some(gradient + i, (exp<C>(load_some(row + i, n) - log_sum_exp) - everywhere) * scale, n);
    });
    from_compute((at_target[0] - everywhere - (1 - smoothing)) * scale, gradient[target]);
  }
}

void forward(const Forward& work) {
  visit_floating(work.dtype, [&]<class S>() { forward_rows<S>(work); });
}

void backward(const Backward& work) {
  visit_floating(work.dtype, [&]<class S>() {
    visit_floating(work.gradient_dtype, [&]<class G>() {
      if constexpr (sizeof(Compute<S>) == sizeof(Compute<G>)) backward_rows<S, G>(work);
    });
  });
}

}  // namespace

void fill(backend::CrossEntropyKernels& kernels) {
  kernels.forward = forward;
  kernels.backward = backward;
}

}  // namespace attend::ATTEND_ISA
