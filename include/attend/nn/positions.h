#pragma once

#include "attend/op/rotary.h"
#include "attend/tensor/tensor.h"

namespace attend::nn {

/// The fixed positions of Vaswani et al. (2017): f64 [count, dim], row t = (sin(t w_0), cos(t w_0), sin(t
/// w_1), ...), w_i = 10000^(-2 i / dim). Throws Error unless dim is even and both are at least 1.
Tensor sinusoidal_positions(std::int64_t count, std::int64_t dim);

/// Turns queries and keys by their places (Su et al., RoFormer, 2021); one table serves all layers.
class Rotary {
 public:
  /// For places below `count` and heads of `head_dim` features. Throws Error for an odd head_dim, or other
  /// sizes below 1, or a base that is not above 0.
  Rotary(std::int64_t count, std::int64_t head_dim, double base = 10000);

  /// x [batch, length, heads, head_dim], whose first token is at place `first`; the first `turned` heads are
  /// turned, the others copied.
  Tensor forward(const Tensor& x, std::int64_t first, std::int64_t turned) const;

 private:
  std::int64_t count_, head_dim_;
  double base_;
  op::RotaryTable table_;
};

}  // namespace attend::nn
