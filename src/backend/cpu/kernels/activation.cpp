#include "backend/kernels/activation.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector_math.h"

namespace attend::ATTEND_ISA {

namespace {

template <class C>
struct Point {
  Vector<C> value, slope;
};

// f(x) and f'(x); e p is 1 - p without cancellation. Where f(x) is x times a probability p, p is computed for
// x inside `limit`, beyond which it is 0 or 1 to the last bit that matters, and the product with minus
// infinity is taken as its limit, 0.
template <Activation activation, class C, bool rough>
[[gnu::always_inline]] inline Point<C> point(Vector<C> x) {
  using V = Vector<C>;
  constexpr bool single = sizeof(C) == 4;
  if constexpr (activation == Activation::relu) {
    return {x < 0 ? V{} : x, x > 0 ? splat(C(1)) : V{}};
  } else if constexpr (activation == Activation::tanh) {
    const V y = tanh<C, rough>(x);
    return {y, 1 - y * y};
  } else if constexpr (activation == Activation::sigmoid) {
    // Below, the sigmoid of a vector would stay at its smallest value, also for minus infinity.
    constexpr C limit = single ? C(80) : C(700);
    const V y = x < -limit ? V{} : sigmoid<C, rough>(x);
    return {y, y * (1 - y)};
  } else {
    constexpr C limit = activation == Activation::gelu   ? (single ? C(13) : C(37))
                        : activation == Activation::silu ? (single ? C(80) : C(700))
                                                         : (single ? C(9.5) : C(20));
    const V inside = clamp(x, splat(-limit), splat(limit));
    V probability, slope;
    if constexpr (activation == Activation::gelu) {
      const Normal<C> n = normal<C, rough>(inside);
      probability = n.integral;
      slope = n.integral + inside * n.density;
    } else if constexpr (activation == Activation::silu) {
      const V e = exp_of<C, rough>(-inside);
      probability = reciprocal<C, rough>(1 + e);
      slope = probability + inside * probability * (e * probability);
    } else {
      // (1 + tanh u) / 2 = sigmoid(2 u)
      constexpr C a = C(1.5957691216057308), b = C(1.5957691216057308 * 0.044715);
      const V square = inside * inside;
      const V e = exp_of<C, rough>(-inside * (a + b * square));
      probability = reciprocal<C, rough>(1 + e);
      slope = probability + inside * probability * (e * probability) * (a + 3 * b * square);
    }
    return {x < -limit ? V{} : x * probability, slope};
  }
}

template <Activation activation, class C>
[[gnu::always_inline]] inline Vector<C> slope_at_output(Vector<C> y) {
  if constexpr (activation == Activation::relu) return y > 0 ? splat(C(1)) : Vector<C>{};
  if constexpr (activation == Activation::tanh) return 1 - y * y;
  return y * (1 - y);
}

template <class Body>
inline void visit(DType dtype, Activation activation, Body&& body) {
  visit_floating(dtype, [&]<class S>() {
    switch (activation) {
      case Activation::relu:
        return body.template operator()<Activation::relu, S>();
      case Activation::gelu:
        return body.template operator()<Activation::gelu, S>();
      case Activation::gelu_tanh:
        return body.template operator()<Activation::gelu_tanh, S>();
      case Activation::silu:
        return body.template operator()<Activation::silu, S>();
      case Activation::tanh:
        return body.template operator()<Activation::tanh, S>();
      case Activation::sigmoid:
        return body.template operator()<Activation::sigmoid, S>();
    }
  });
}

template <class S>
constexpr bool kRough = sizeof(S) == 2;

// Flattened, because a call for each vector would cost as much as the work.
[[gnu::flatten]] void forward(DType dtype, Activation activation, const void* x, void* y,
                              std::int64_t count) {
  visit(dtype, activation, [&]<Activation a, class S>() {
    using C = Compute<S>;
    const S* px = static_cast<const S*>(x);
    S* py = static_cast<S*>(y);
    for_each_vector<C>(count, [&](std::int64_t i, std::int64_t n) {
      store_some(py + i, point<a, C, kRough<S>>(load_some(px + i, n)).value, n);
    });
  });
}

[[gnu::flatten]] void backward(DType dtype, Activation activation, const void* saved, const void* dy,
                               void* dx, std::int64_t count) {
  visit(dtype, activation, [&]<Activation a, class S>() {
    using C = Compute<S>;
    const S* ps = static_cast<const S*>(saved);
    const S* pdy = static_cast<const S*>(dy);
    S* pdx = static_cast<S*>(dx);
    for_each_vector<C>(count, [&](std::int64_t i, std::int64_t n) {
      const Vector<C> s = load_some(ps + i, n);
      Vector<C> slope;
      if constexpr (backend::slope_from_output(a))
        slope = slope_at_output<a, C>(s);
      else
        slope = point<a, C, kRough<S>>(s).slope;
      store_some(pdx + i, load_some(pdy + i, n) * slope, n);
    });
  });
}

[[gnu::flatten]] void gated_forward(DType dtype, Activation activation, const void* x, void* y,
                                    std::int64_t rows, std::int64_t width) {
  visit(dtype, activation, [&]<Activation a, class S>() {
    using C = Compute<S>;
    for (std::int64_t r = 0; r < rows; ++r) {
      const S* px = static_cast<const S*>(x) + r * 2 * width;
      S* py = static_cast<S*>(y) + r * width;
      for_each_vector<C>(width, [&](std::int64_t i, std::int64_t n) {
        store_some(py + i, point<a, C, kRough<S>>(load_some(px + i, n)).value * load_some(px + width + i, n),
                   n);
      });
    }
  });
}

[[gnu::flatten]] void gated_backward(DType dtype, Activation activation, const void* x, const void* dy,
                                     void* dx, std::int64_t rows, std::int64_t width) {
  visit(dtype, activation, [&]<Activation a, class S>() {
    using C = Compute<S>;
    for (std::int64_t r = 0; r < rows; ++r) {
      const S* px = static_cast<const S*>(x) + r * 2 * width;
      const S* pdy = static_cast<const S*>(dy) + r * width;
      S* pdx = static_cast<S*>(dx) + r * 2 * width;
      for_each_vector<C>(width, [&](std::int64_t i, std::int64_t n) {
        const Point<C> p = point<a, C, kRough<S>>(load_some(px + i, n));
        const Vector<C> g = load_some(pdy + i, n), gate = load_some(px + width + i, n);
        store_some(pdx + i, g * gate * p.slope, n);
        store_some(pdx + width + i, g * p.value, n);
      });
    }
  });
}

}  // namespace

void fill(backend::ActivationKernels& kernels) {
  kernels.forward = forward;
  kernels.backward = backward;
  kernels.gated_forward = gated_forward;
  kernels.gated_backward = gated_backward;
}

}  // namespace attend::ATTEND_ISA
