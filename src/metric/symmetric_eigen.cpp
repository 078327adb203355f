#include "metric/symmetric_eigen.h"

#include <cmath>
#include <limits>

namespace attend::metric {

namespace {

// Convergence is quadratic: 10 sweeps are enough for any size in practice.
constexpr int kMostSweeps = 60;

struct Matrix {
  std::vector<double>& values;
  std::int64_t n;
  double& operator()(std::int64_t i, std::int64_t j) const {
    return values[static_cast<std::size_t>(i * n + j)];
  }
};

/// The cosine and the sine that make a(p, q) zero; the smaller of the two angles.
struct Rotation {
  double c, s;

  Rotation(const Matrix& a, std::int64_t p, std::int64_t q) {
    const double theta = (a(q, q) - a(p, p)) / (2 * a(p, q));
    const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::hypot(theta, 1.0));
    c = 1 / std::hypot(t, 1.0);
    s = t * c;
  }
  void turn(double& x, double& y) const {
    const double before = x;
    x = c * before - s * y;
    y = s * before + c * y;
  }
};

void rotate(const Matrix& a, const Matrix& vectors, std::int64_t p, std::int64_t q) {
  const Rotation rotation(a, p, q);
  for (std::int64_t k = 0; k < a.n; ++k) rotation.turn(a(k, p), a(k, q));
  for (std::int64_t k = 0; k < a.n; ++k) rotation.turn(a(p, k), a(q, k));
  for (std::int64_t k = 0; k < a.n; ++k) rotation.turn(vectors(p, k), vectors(q, k));
}

}  // namespace

SymmetricEigen symmetric_eigen(std::vector<double> matrix, std::int64_t n) {
  SymmetricEigen result;
  result.vectors.resize(matrix.size());
  const Matrix a{matrix, n}, vectors{result.vectors, n};
  for (std::int64_t i = 0; i < n; ++i) vectors(i, i) = 1;
  double squares = 0;
  for (const double value : matrix) squares += value * value;
  const double negligible = std::numeric_limits<double>::epsilon() * std::sqrt(squares) * 1e-3;
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    bool rotated = false;
    for (std::int64_t p = 0; p < n; ++p)
      for (std::int64_t q = p + 1; q < n; ++q) {
        if (std::abs(a(p, q)) <= negligible) continue;
        rotate(a, vectors, p, q);
        rotated = true;
      }
    if (!rotated) break;
  }
  for (std::int64_t i = 0; i < n; ++i) result.values.push_back(a(i, i));
  return result;
}

}  // namespace attend::metric
