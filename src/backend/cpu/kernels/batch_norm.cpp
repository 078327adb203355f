#include "backend/kernels/batch_norm.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

using Kernels = backend::BatchNormKernels;

// Calls visit(first column, columns) for each vector of columns: what belongs to a column stays in registers
// over all rows.
template <class C, class Visit>
inline void for_each_column(std::int64_t columns, Visit&& visit) {
  for_each_vector<C>(columns, visit);
}

template <class S>
void squares_of(const Kernels::Squares& work) {
  using C = Compute<S>;
  const auto* x = static_cast<const S*>(work.x);
  auto* squares = static_cast<C*>(work.squares);
  for_each_column<C>(work.columns, [&](std::int64_t c, std::int64_t n) {
    const Vector<C> mean = load_some(static_cast<const C*>(work.mean) + c, n);
    Vector<C> sum = load_some(squares + c, n);
    for (std::int64_t r = 0; r < work.rows; ++r) {
      const Vector<C> d = load_some(x + r * work.columns + c, n) - mean;
      sum += d * d;
    }
    store_some(squares + c, sum, n);
  });
}

template <class S, bool relu>
void forward_of(const Kernels::Forward& work) {
  using C = Compute<S>;
  const auto* x = static_cast<const S*>(work.x);
  auto* y = static_cast<S*>(work.y);
  for_each_column<C>(work.columns, [&](std::int64_t c, std::int64_t n) {
    const Vector<C> scale = load_some(static_cast<const C*>(work.scale) + c, n),
                    shift = load_some(static_cast<const C*>(work.shift) + c, n);
    for (std::int64_t r = 0; r < work.rows; ++r) {
      Vector<C> v = load_some(x + r * work.columns + c, n) * scale + shift;
      // NaN stays NaN.
      if constexpr (relu) v = v < Vector<C>{} ? Vector<C>{} : v;
      store_some(y + r * work.columns + c, v, n);
    }
  });
}

// Calls visit(c, n, r, x, g) for each vector of each row, the rows of a column after each other.
template <class S, bool relu, class Begin, class Visit, class End>
inline void for_each_gradient(const Kernels::Backward& work, Begin&& begin, Visit&& visit, End&& end) {
  using C = Compute<S>;
  const auto* x = static_cast<const S*>(work.x);
  const auto* dy = static_cast<const S*>(work.dy);
  for_each_column<C>(work.columns, [&](std::int64_t c, std::int64_t n) {
    Vector<C> scale = {}, shift = {};
    if constexpr (relu) {
      scale = load_some(static_cast<const C*>(work.scale) + c, n);
      shift = load_some(static_cast<const C*>(work.shift) + c, n);
    }
    auto state = begin(c, n);
    for (std::int64_t r = 0; r < work.rows; ++r) {
      const Vector<C> v = load_some(x + r * work.columns + c, n);
      Vector<C> g = load_some(dy + r * work.columns + c, n);
      if constexpr (relu) g = v * scale + shift > Vector<C>{} ? g : Vector<C>{};
      visit(state, r * work.columns + c, n, v, g);
    }
    end(state, c, n);
  });
}

template <class S, bool relu>
void sums_of(const Kernels::Backward& work) {
  using C = Compute<S>;
  auto* g_sum = static_cast<C*>(work.g_sum);
  auto* gx_sum = static_cast<C*>(work.gx_sum);
  struct State {
    Vector<C> mean, g, gx;
  };
  for_each_gradient<S, relu>(
      work,
      [&](std::int64_t c, std::int64_t n) {
        return State{load_some(static_cast<const C*>(work.mean) + c, n), load_some(g_sum + c, n),
                     load_some(gx_sum + c, n)};
      },
      [](State& state, std::int64_t, std::int64_t, Vector<C> x, Vector<C> g) {
        state.g += g;
        state.gx += g * (x - state.mean);
      },
      [&](const State& state, std::int64_t c, std::int64_t n) {
        store_some(g_sum + c, state.g, n);
        store_some(gx_sum + c, state.gx, n);
      });
}

template <class S, bool relu>
void gradient_of(const Kernels::Backward& work) {
  using C = Compute<S>;
  auto* dx = static_cast<S*>(work.dx);
  struct State {
    Vector<C> scale, slope, offset;
  };
  for_each_gradient<S, relu>(
      work,
      [&](std::int64_t c, std::int64_t n) {
        return State{load_some(static_cast<const C*>(work.scale) + c, n),
                     load_some(static_cast<const C*>(work.slope) + c, n),
                     load_some(static_cast<const C*>(work.offset) + c, n)};
      },
      [&](const State& state, std::int64_t place, std::int64_t n, Vector<C> x, Vector<C> g) {
        store_some(dx + place, g * state.scale + (x * state.slope + state.offset), n);
      },
      [](const State&, std::int64_t, std::int64_t) {});
}

void squares(const Kernels::Squares& work) {
  visit_floating(work.dtype, [&]<class S>() { squares_of<S>(work); });
}

void forward(const Kernels::Forward& work) {
  visit_floating(work.dtype,
                 [&]<class S>() { work.relu ? forward_of<S, true>(work) : forward_of<S, false>(work); });
}

void sums(const Kernels::Backward& work) {
  visit_floating(work.dtype,
                 [&]<class S>() { work.relu ? sums_of<S, true>(work) : sums_of<S, false>(work); });
}

void gradient(const Kernels::Backward& work) {
  visit_floating(work.dtype,
                 [&]<class S>() { work.relu ? gradient_of<S, true>(work) : gradient_of<S, false>(work); });
}

}  // namespace

void fill(backend::BatchNormKernels& kernels) {
  kernels.squares = squares;
  kernels.forward = forward;
  kernels.sums = sums;
  kernels.gradient = gradient;
}

}  // namespace attend::ATTEND_ISA
