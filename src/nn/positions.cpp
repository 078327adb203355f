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

}  // namespace attend::nn
