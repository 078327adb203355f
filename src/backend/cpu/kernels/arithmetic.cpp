#include "backend/kernels/arithmetic.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

using backend::BinaryFunction;
using backend::MatrixOperand;
using backend::UnaryFunction;

// Functions of one value that have no vector instruction on every instruction set, lane by lane.
template <class V, class Function>
V map_lanes(V v, Function function) {
  decltype(v[0] + v[0]) lanes[sizeof(V) / sizeof(v[0])];
  __builtin_memcpy(lanes, &v, sizeof v);
  for (auto& lane : lanes) lane = function(lane);
  __builtin_memcpy(&v, lanes, sizeof v);
  return v;
}

F32 square_root(F32 v) {
  return sqrt(v);
}
F64 square_root(F64 v) {
  return map_lanes(v, [](double x) { return __builtin_sqrt(x); });
}

template <class V>
V logarithm(V v) {
  return map_lanes(v, [](auto x) {
    if constexpr (sizeof(x) == 4)
      return __builtin_logf(x);
    else
      return __builtin_log(x);
  });
}

template <class S, class Function>
void binary_rows(const MatrixOperand& a, const MatrixOperand& b, void* out, std::int64_t out_row_stride,
                 std::int64_t rows, std::int64_t columns, Function function) {
  using C = Compute<S>;
  for (std::int64_t r = 0; r < rows; ++r) {
    const S* pa = static_cast<const S*>(a.data) + r * a.row_stride;
    const S* pb = static_cast<const S*>(b.data) + r * b.row_stride;
    S* po = static_cast<S*>(out) + r * out_row_stride;
    const bool repeat_a = a.column_stride == 0, repeat_b = b.column_stride == 0;
    const Vector<C> va = splat<C>(to_compute(pa[0])), vb = splat<C>(to_compute(pb[0]));
    if (repeat_a && repeat_b)
      for_each_vector<C>(columns,
                         [&](std::int64_t i, std::int64_t n) { store_some(po + i, function(va, vb), n); });
    else if (repeat_a)
      for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
        store_some(po + i, function(va, load_some(pb + i, n)), n);
      });
    else if (repeat_b)
      for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
        store_some(po + i, function(load_some(pa + i, n), vb), n);
      });
    else
      for_each_vector<C>(columns, [&](std::int64_t i, std::int64_t n) {
        store_some(po + i, function(load_some(pa + i, n), load_some(pb + i, n)), n);
      });
  }
}

// Calls body with the function of two vectors.
template <class Body>
void visit_function(BinaryFunction function, Body&& body) {
  switch (function) {
    case BinaryFunction::add:
      return body([](auto a, auto b) { return a + b; });
    case BinaryFunction::subtract:
      return body([](auto a, auto b) { return a - b; });
    case BinaryFunction::multiply:
      return body([](auto a, auto b) { return a * b; });
    case BinaryFunction::divide:
      return body([](auto a, auto b) { return a / b; });
    case BinaryFunction::maximum:
      return body([](auto a, auto b) { return (a != a) ? a : ((a > b) ? a : b); });
    case BinaryFunction::minimum:
      return body([](auto a, auto b) { return (a != a) ? a : ((a < b) ? a : b); });
    case BinaryFunction::equal:
      return body([](auto a, auto b) {
        const decltype(a) zero{}, one = zero + 1;
        return (a == b) ? one : zero;
      });
    case BinaryFunction::above:
      return body([](auto a, auto b) {
        const decltype(a) zero{}, one = zero + 1, half = one / 2;
        return (a > b) ? one : ((a == b) ? half : zero);
      });
  }
}

void binary(BinaryFunction function, DType dtype, const MatrixOperand& a, const MatrixOperand& b, void* out,
            std::int64_t out_row_stride, std::int64_t rows, std::int64_t columns) {
  visit_function(function, [&](auto f) {
    visit_floating(dtype, [&]<class S>() { binary_rows<S>(a, b, out, out_row_stride, rows, columns, f); });
  });
}

void affine(DType dtype, const void* in, double factor, double term, void* out, std::int64_t count) {
  visit_floating(dtype, [&]<class S>() {
    using C = Compute<S>;
    const S* p = static_cast<const S*>(in);
    S* q = static_cast<S*>(out);
    const Vector<C> vf = splat(static_cast<C>(factor)), vt = splat(static_cast<C>(term));
    for_each_vector<C>(
        count, [&](std::int64_t i, std::int64_t n) { store_some(q + i, load_some(p + i, n) * vf + vt, n); });
  });
}

template <class C>
Vector<C> value_of(UnaryFunction function, Vector<C> x) {
  switch (function) {
    case UnaryFunction::exponential:
      return exp<C>(x);
    case UnaryFunction::logarithm:
      return logarithm(x);
    case UnaryFunction::square_root:
      return square_root(x);
    case UnaryFunction::inverse_square_root:
      return C(1) / square_root(x);
    case UnaryFunction::square:
      return x * x;
    case UnaryFunction::absolute:
      return (x < C(0)) ? -x : x + C(0);
  }
  return x;
}

template <class C>
Vector<C> gradient_of(UnaryFunction function, Vector<C> saved, Vector<C> dy) {
  switch (function) {
    case UnaryFunction::exponential:
      return dy * saved;
    case UnaryFunction::logarithm:
      return dy / saved;
    case UnaryFunction::square_root:
      return dy / (saved + saved);
    case UnaryFunction::inverse_square_root:
      return dy * saved * saved * saved * C(-0.5);
    case UnaryFunction::square:
      return dy * (saved + saved);
    case UnaryFunction::absolute:
      return (saved > C(0)) ? dy : ((saved < C(0)) ? -dy : Vector<C>{});
  }
  return dy;
}

void unary(UnaryFunction function, DType dtype, const void* in, void* out, std::int64_t count) {
  visit_floating(dtype, [&]<class S>() {
    using C = Compute<S>;
    const S* p = static_cast<const S*>(in);
    S* q = static_cast<S*>(out);
    for_each_vector<C>(count, [&](std::int64_t i, std::int64_t n) {
      store_some(q + i, value_of<C>(function, load_some(p + i, n)), n);
    });
  });
}

void unary_gradient(UnaryFunction function, DType dtype, const void* saved, const void* dy, void* dx,
                    std::int64_t count) {
  visit_floating(dtype, [&]<class S>() {
    using C = Compute<S>;
    const S* ps = static_cast<const S*>(saved);
    const S* pd = static_cast<const S*>(dy);
    S* q = static_cast<S*>(dx);
    for_each_vector<C>(count, [&](std::int64_t i, std::int64_t n) {
      store_some(q + i, gradient_of<C>(function, load_some(ps + i, n), load_some(pd + i, n)), n);
    });
  });
}

}  // namespace

void fill(backend::ArithmeticKernels& kernels) {
  kernels.binary = binary;
  kernels.affine = affine;
  kernels.unary = unary;
  kernels.unary_gradient = unary_gradient;
}

}  // namespace attend::ATTEND_ISA
