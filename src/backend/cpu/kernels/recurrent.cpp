#include "backend/kernels/recurrent.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector_math.h"

namespace attend::ATTEND_ISA {

namespace {

// Gates that are rounded to bf16 need no more digits before.
template <class S>
constexpr bool kRough = sizeof(S) == 2;

bool is_padding(const backend::RecurrentStep& work, std::int64_t row) {
  return work.lengths != nullptr && work.lengths[row] <= work.time;
}

template <class T>
const T* row_of(const void* matrix, std::int64_t row, std::int64_t columns) {
  return static_cast<const T*>(matrix) + row * columns;
}
template <class T>
T* row_of(void* matrix, std::int64_t row, std::int64_t columns) {
  return matrix == nullptr ? nullptr : static_cast<T*>(matrix) + row * columns;
}

template <class T>
void copy_row(const void* from, void* to, std::int64_t row, std::int64_t width) {
  __builtin_memcpy(row_of<T>(to, row, width), row_of<T>(from, row, width),
                   static_cast<std::size_t>(width) * sizeof(T));
}
template <class T>
void clear_row(void* matrix, std::int64_t row, std::int64_t width) {
  __builtin_memset(static_cast<void*>(row_of<T>(matrix, row, width)), 0,
                   static_cast<std::size_t>(width) * sizeof(T));
}

/// The gradient of a state: what comes from later, and what its output gets.
template <class S, class C>
Vector<C> gradient_of_state(const C* carry, const S* doutput, std::int64_t i, std::int64_t n) {
  const Vector<C> later = load_some(carry + i, n);
  return doutput == nullptr ? later : later + load_some(doutput + i, n);
}

/// A row of padding: the state's gradient is that of the state before.
template <class S, class C>
void pass_gradient(C* carry, const S* doutput, std::int64_t width) {
  if (doutput == nullptr) return;
  for_each_vector<C>(width, [&](std::int64_t i, std::int64_t n) {
    store_some(carry + i, gradient_of_state<S, C>(carry, doutput, i, n), n);
  });
}

template <class S>
const S* output_gradient(const void* doutput, std::int64_t row, std::int64_t width) {
  return doutput == nullptr ? nullptr : row_of<S>(doutput, row, width);
}

template <class S>
void gru_forward_of(const backend::RecurrentKernels::GruForward& work, std::int64_t begin, std::int64_t end) {
  using C = Compute<S>;
  const std::int64_t w = work.width;
  for (std::int64_t row = begin; row < end; ++row) {
    if (is_padding(work, row)) {
      copy_row<S>(work.before, work.state, row, w);
      continue;
    }
    const S *x = row_of<S>(work.input, row, 3 * w), *before = row_of<S>(work.before, row, w);
    const C* p = row_of<C>(work.products, row, 3 * w);
    S *state = row_of<S>(work.state, row, w), *gates = row_of<S>(work.gates, row, 3 * w),
      *candidate = row_of<S>(work.candidate, row, w);
    for_each_vector<C>(w, [&](std::int64_t i, std::int64_t n) {
      const Vector<C> r = sigmoid<C, kRough<S>>(load_some(x + i, n) + load_some(p + i, n));
      const Vector<C> z = sigmoid<C, kRough<S>>(load_some(x + w + i, n) + load_some(p + w + i, n));
      const Vector<C> of_state = load_some(p + 2 * w + i, n);
      const Vector<C> fresh = tanh<C, kRough<S>>(load_some(x + 2 * w + i, n) + r * of_state);
      store_some(state + i, fresh + z * (load_some(before + i, n) - fresh), n);
      if (gates == nullptr) return;
      store_some(gates + i, r, n);
      store_some(gates + w + i, z, n);
      store_some(gates + 2 * w + i, fresh, n);
      store_some(candidate + i, of_state, n);
    });
  }
}

template <class S>
void gru_backward_of(const backend::RecurrentKernels::GruBackward& work, std::int64_t begin,
                     std::int64_t end) {
  using C = Compute<S>;
  const std::int64_t w = work.width;
  for (std::int64_t row = begin; row < end; ++row) {
    C* carry = row_of<C>(work.carry, row, w);
    const S* doutput = output_gradient<S>(work.doutput, row, w);
    if (is_padding(work, row)) {
      pass_gradient<S, C>(carry, doutput, w);
      clear_row<S>(work.dinput, row, 3 * w);
      clear_row<S>(work.dproducts, row, 3 * w);
      continue;
    }
    const S *gates = row_of<S>(work.gates, row, 3 * w), *candidate = row_of<S>(work.candidate, row, w),
            *before = row_of<S>(work.before, row, w);
    S *dx = row_of<S>(work.dinput, row, 3 * w), *dp = row_of<S>(work.dproducts, row, 3 * w);
    for_each_vector<C>(w, [&](std::int64_t i, std::int64_t n) {
      const Vector<C> r = load_some(gates + i, n), z = load_some(gates + w + i, n),
                      fresh = load_some(gates + 2 * w + i, n);
      const Vector<C> d = gradient_of_state<S, C>(carry, doutput, i, n);
      const Vector<C> dz = d * (load_some(before + i, n) - fresh) * z * (1 - z);
      const Vector<C> dn = d * (1 - z) * (1 - fresh * fresh);
      const Vector<C> dr = dn * load_some(candidate + i, n) * r * (1 - r);
      store_some(carry + i, d * z, n);
      store_some(dx + i, dr, n);
      store_some(dx + w + i, dz, n);
      store_some(dx + 2 * w + i, dn, n);
      store_some(dp + i, dr, n);
      store_some(dp + w + i, dz, n);
      store_some(dp + 2 * w + i, dn * r, n);
    });
  }
}

template <class S>
void lstm_forward_of(const backend::RecurrentKernels::LstmForward& work, std::int64_t begin,
                     std::int64_t end) {
  using C = Compute<S>;
  const std::int64_t w = work.width;
  for (std::int64_t row = begin; row < end; ++row) {
    if (is_padding(work, row)) {
      copy_row<S>(work.before, work.state, row, w);
      copy_row<C>(work.cell_before, work.cell, row, w);
      continue;
    }
    const S* x = row_of<S>(work.input, row, 4 * w);
    const C *p = row_of<C>(work.products, row, 4 * w), *cell_before = row_of<C>(work.cell_before, row, w);
    S *state = row_of<S>(work.state, row, w), *gates = row_of<S>(work.gates, row, 4 * w);
    C* cell = row_of<C>(work.cell, row, w);
    for_each_vector<C>(w, [&](std::int64_t j, std::int64_t n) {
      const auto sum = [&](std::int64_t gate) {
        return load_some(x + gate * w + j, n) + load_some(p + gate * w + j, n);
      };
      const Vector<C> i = sigmoid<C, kRough<S>>(sum(0)), f = sigmoid<C, kRough<S>>(sum(1)),
                      g = tanh<C, kRough<S>>(sum(2)), o = sigmoid<C, kRough<S>>(sum(3));
      const Vector<C> c = f * load_some(cell_before + j, n) + i * g;
      store_some(cell + j, c, n);
      store_some(state + j, o * tanh<C, kRough<S>>(c), n);
      if (gates == nullptr) return;
      store_some(gates + j, i, n);
      store_some(gates + w + j, f, n);
      store_some(gates + 2 * w + j, g, n);
      store_some(gates + 3 * w + j, o, n);
    });
  }
}

template <class S>
void lstm_backward_of(const backend::RecurrentKernels::LstmBackward& work, std::int64_t begin,
                      std::int64_t end) {
  using C = Compute<S>;
  const std::int64_t w = work.width;
  for (std::int64_t row = begin; row < end; ++row) {
    C *carry = row_of<C>(work.carry, row, w), *cell_carry = row_of<C>(work.cell_carry, row, w);
    const S* doutput = output_gradient<S>(work.doutput, row, w);
    if (is_padding(work, row)) {
      pass_gradient<S, C>(carry, doutput, w);
      clear_row<S>(work.dinput, row, 4 * w);
      continue;
    }
    const S* gates = row_of<S>(work.gates, row, 4 * w);
    const C *cell_before = row_of<C>(work.cell_before, row, w), *cell = row_of<C>(work.cell, row, w);
    S* dx = row_of<S>(work.dinput, row, 4 * w);
    for_each_vector<C>(w, [&](std::int64_t j, std::int64_t n) {
      const Vector<C> i = load_some(gates + j, n), f = load_some(gates + w + j, n),
                      g = load_some(gates + 2 * w + j, n), o = load_some(gates + 3 * w + j, n);
      const Vector<C> c = tanh<C, kRough<S>>(load_some(cell + j, n));
      const Vector<C> d = gradient_of_state<S, C>(carry, doutput, j, n);
      const Vector<C> dc = load_some(cell_carry + j, n) + d * o * (1 - c * c);
      store_some(dx + j, dc * g * i * (1 - i), n);
      store_some(dx + w + j, dc * load_some(cell_before + j, n) * f * (1 - f), n);
      store_some(dx + 2 * w + j, dc * i * (1 - g * g), n);
      store_some(dx + 3 * w + j, d * c * o * (1 - o), n);
      store_some(cell_carry + j, dc * f, n);
      store_some(carry + j, Vector<C>{}, n);
    });
  }
}

[[gnu::flatten]] void gru_forward(const backend::RecurrentKernels::GruForward& work, std::int64_t begin,
                                  std::int64_t end) {
  visit_floating(work.dtype, [&]<class S>() { gru_forward_of<S>(work, begin, end); });
}
[[gnu::flatten]] void gru_backward(const backend::RecurrentKernels::GruBackward& work, std::int64_t begin,
                                   std::int64_t end) {
  visit_floating(work.dtype, [&]<class S>() { gru_backward_of<S>(work, begin, end); });
}
[[gnu::flatten]] void lstm_forward(const backend::RecurrentKernels::LstmForward& work, std::int64_t begin,
                                   std::int64_t end) {
  visit_floating(work.dtype, [&]<class S>() { lstm_forward_of<S>(work, begin, end); });
}
[[gnu::flatten]] void lstm_backward(const backend::RecurrentKernels::LstmBackward& work, std::int64_t begin,
                                    std::int64_t end) {
  visit_floating(work.dtype, [&]<class S>() { lstm_backward_of<S>(work, begin, end); });
}

}  // namespace

void fill(backend::RecurrentKernels& kernels) {
  kernels.gru_forward = gru_forward;
  kernels.gru_backward = gru_backward;
  kernels.lstm_forward = lstm_forward;
  kernels.lstm_backward = lstm_backward;
}

}  // namespace attend::ATTEND_ISA
