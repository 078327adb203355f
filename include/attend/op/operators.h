#pragma once

#include "attend/op/arithmetic.h"
#include "attend/op/unary.h"

/// The operators of formulas: recorded on the tape, with broadcasting, as attend/op/arithmetic.h says.
namespace attend {

inline Tensor operator+(const Tensor& a, const Tensor& b) {
  return op::add(a, b);
}
inline Tensor operator-(const Tensor& a, const Tensor& b) {
  return op::subtract(a, b);
}
inline Tensor operator*(const Tensor& a, const Tensor& b) {
  return op::multiply(a, b);
}
inline Tensor operator/(const Tensor& a, const Tensor& b) {
  return op::divide(a, b);
}
inline Tensor operator-(const Tensor& x) {
  return op::negate(x);
}

inline Tensor operator+(const Tensor& x, double term) {
  return op::add_scalar(x, term);
}
inline Tensor operator+(double term, const Tensor& x) {
  return op::add_scalar(x, term);
}
inline Tensor operator-(const Tensor& x, double term) {
  return op::add_scalar(x, -term);
}
inline Tensor operator-(double term, const Tensor& x) {
  return op::add_scalar(op::negate(x), term);
}
inline Tensor operator*(const Tensor& x, double factor) {
  return op::scale(x, factor);
}
inline Tensor operator*(double factor, const Tensor& x) {
  return op::scale(x, factor);
}
inline Tensor operator/(const Tensor& x, double divisor) {
  return op::divide(x, Tensor::full({}, divisor, x.dtype()));
}
inline Tensor operator/(double dividend, const Tensor& x) {
  return op::divide(Tensor::full({}, dividend, x.dtype()), x);
}

}  // namespace attend
