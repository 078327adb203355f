#pragma once

#include <cstdint>
#include <vector>

namespace attend::metric {

/// A = V^T diag(values) V of a symmetric matrix A [n, n]: row i of `vectors` is the eigenvector of values[i].
/// In no particular order.
struct SymmetricEigen {
  std::vector<double> values, vectors;
};

/// By Jacobi's cyclic rotations (Golub and Van Loan, "Matrix Computations", 8.5), which are accurate to a few
/// roundings of the largest eigenvalue.
SymmetricEigen symmetric_eigen(std::vector<double> matrix, std::int64_t n);

}  // namespace attend::metric
