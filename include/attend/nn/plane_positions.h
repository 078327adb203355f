#pragma once

#include "attend/tensor/tensor.h"

namespace attend::nn {

/// The fixed positions of Vaswani et al. (2017) for the places of a map, row by row: f64 [rows columns, dim],
/// sinusoidal_positions() of the row in the first half of the features and of the column in the other. Throws
/// Error unless dim is a multiple of 4 and the sizes are at least 1.
Tensor sinusoidal_plane_positions(std::int64_t rows, std::int64_t columns, std::int64_t dim);

}  // namespace attend::nn
