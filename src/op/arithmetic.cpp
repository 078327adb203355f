#include "attend/op/arithmetic.h"

#include "attend/autograd/tape.h"
#include "op/binary.h"
#include "op/check.h"
#include "op/sum_to_shape.h"

namespace attend::op {

namespace {

using backend::BinaryFunction;

// What backward may use: the operands are set only when the function's derivative reads them.
struct Saved {
  Tensor a, b, y;
};

// Records y = function(a, b). `gradient_a` and `gradient_b` give the cotangents of the operands before they
// are summed over the axes that were broadcast.
template <class GradientA, class GradientB>
Tensor recorded(const char* name, BinaryFunction function, const Tensor& a, const Tensor& b,
                bool reads_operands, GradientA gradient_a, GradientB gradient_b) {
  check_floating_pair(name, a, b);
  const Tensor y = binary(function, a, b);
  if (autograd::is_recording({a, b})) {
    Saved saved;
    if (reads_operands) saved = {a.detach(), b.detach(), {}};
    const bool for_a = autograd::requires_grad(a), for_b = autograd::requires_grad(b);
    autograd::record(name, {a, b}, {y},
                     [saved, for_a, for_b, gradient_a, gradient_b, a_shape = a.shape(),
                      b_shape = b.shape()](const autograd::Tensors& gradients) {
                       autograd::Tensors result(2);
                       if (for_a) result[0] = sum_to_shape(gradient_a(saved, gradients[0]), a_shape);
                       if (for_b) result[1] = sum_to_shape(gradient_b(saved, gradients[0]), b_shape);
                       return result;
                     });
  }
  return y;
}

Tensor multiplied(const Tensor& a, const Tensor& b) {
  return binary(BinaryFunction::multiply, a, b);
}

Tensor extremum(const char* name, BinaryFunction function, const Tensor& a, const Tensor& b) {
  const bool largest = function == BinaryFunction::maximum;
  return recorded(
      name, function, a, b, true,
      [largest](const Saved& s, const Tensor& dy) {
        return multiplied(
            dy, largest ? binary(BinaryFunction::above, s.a, s.b) : binary(BinaryFunction::above, s.b, s.a));
      },
      [largest](const Saved& s, const Tensor& dy) {
        return multiplied(
            dy, largest ? binary(BinaryFunction::above, s.b, s.a) : binary(BinaryFunction::above, s.a, s.b));
      });
}

Tensor recorded_affine(const char* name, const Tensor& x, double factor, double term) {
  check_floating(name, x);
  const Tensor y = affine(x, factor, term);
  if (autograd::is_recording({x}))
    autograd::record(name, {x}, {y}, [factor](const autograd::Tensors& gradients) {
      return autograd::Tensors{factor == 1 ? gradients[0] : affine(gradients[0], factor, 0)};
    });
  return y;
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  const auto pass = [](const Saved&, const Tensor& dy) { return dy; };
  return recorded("add", BinaryFunction::add, a, b, false, pass, pass);
}

Tensor subtract(const Tensor& a, const Tensor& b) {
  return recorded(
      "subtract", BinaryFunction::subtract, a, b, false, [](const Saved&, const Tensor& dy) { return dy; },
      [](const Saved&, const Tensor& dy) { return affine(dy, -1, 0); });
}

Tensor multiply(const Tensor& a, const Tensor& b) {
  return recorded(
      "multiply", BinaryFunction::multiply, a, b, true,
      [](const Saved& s, const Tensor& dy) { return multiplied(dy, s.b); },
      [](const Saved& s, const Tensor& dy) { return multiplied(dy, s.a); });
}

Tensor divide(const Tensor& a, const Tensor& b) {
  return recorded(
      "divide", BinaryFunction::divide, a, b, true,
      [](const Saved& s, const Tensor& dy) { return binary(BinaryFunction::divide, dy, s.b); },
      [](const Saved& s, const Tensor& dy) {
        const Tensor quotient = binary(BinaryFunction::divide, s.a, s.b);
        return binary(BinaryFunction::divide, affine(multiplied(dy, quotient), -1, 0), s.b);
      });
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  return extremum("maximum", BinaryFunction::maximum, a, b);
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  return extremum("minimum", BinaryFunction::minimum, a, b);
}

Tensor scale(const Tensor& x, double factor) {
  return recorded_affine("scale", x, factor, 0);
}

Tensor add_scalar(const Tensor& x, double term) {
  return recorded_affine("add_scalar", x, 1, term);
}

}  // namespace attend::op
