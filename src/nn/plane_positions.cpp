#include "attend/nn/plane_positions.h"

#include <fmt/format.h>

#include <vector>

#include "attend/base/error.h"
#include "attend/nn/positions.h"

namespace attend::nn {

Tensor sinusoidal_plane_positions(std::int64_t rows, std::int64_t columns, std::int64_t dim) {
  if (dim < 1 || dim % 4 != 0)
    throw Error(fmt::format("sinusoidal positions of a map with {} features: a multiple of 4 needed", dim));
  const std::int64_t half = dim / 2;
  const auto down = sinusoidal_positions(rows, half).to_vector<double>(),
             across = sinusoidal_positions(columns, half).to_vector<double>();
  std::vector<double> result;
  result.reserve(static_cast<std::size_t>(rows * columns * dim));
  for (std::int64_t y = 0; y < rows; ++y)
    for (std::int64_t x = 0; x < columns; ++x) {
      result.insert(result.end(), down.begin() + y * half, down.begin() + (y + 1) * half);
      result.insert(result.end(), across.begin() + x * half, across.begin() + (x + 1) * half);
    }
  return Tensor::from(result, {rows * columns, dim});
}

}  // namespace attend::nn
