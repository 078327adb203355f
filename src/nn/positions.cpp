#include "attend/nn/positions.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/base/error.h"

namespace attend::nn {

Tensor sinusoidal_positions(std::int64_t count, std::int64_t dim) {
  if (count < 1 || dim < 1 || dim % 2 != 0)
    throw Error(fmt::format("sinusoidal positions [{}, {}]: an even number of features needed", count, dim));
  const Tensor table = Tensor::empty({count, dim}, DType::f64);
  double* out = table.data<double>();
  for (std::int64_t t = 0; t < count; ++t)
    for (std::int64_t i = 0; i < dim; i += 2) {
      const double angle =
          static_cast<double>(t) * std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(dim));
      out[t * dim + i] = std::sin(angle);
      out[t * dim + i + 1] = std::cos(angle);
    }
  return table;
}

Rotary::Rotary(std::int64_t count, std::int64_t head_dim, double base)
    : count_(count),
      head_dim_(head_dim),
      base_(base),
      table_(op::rotary_table(count, head_dim, {.base = base})) {}

Tensor Rotary::forward(const Tensor& x, std::int64_t first, std::int64_t turned) const {
  const op::RotaryOptions options{.offset = first, .turned_heads = turned};
  if (x.dtype() != DType::f64) return op::rotary(x, table_, options);
  // Double precision is for checks, which are small: no memory is kept for it.
  return op::rotary(x, op::rotary_table(count_, head_dim_, {.base = base_, .dtype = DType::f64}), options);
}

}  // namespace attend::nn
