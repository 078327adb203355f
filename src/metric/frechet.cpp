#include "attend/metric/frechet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/base/error.h"
#include "metric/symmetric_eigen.h"

namespace attend::metric {

namespace {

/// The square root of a matrix without negative eigenvalues; those below 0 are rounding.
std::vector<double> square_root(const std::vector<double>& matrix, std::int64_t n) {
  const SymmetricEigen eigen = symmetric_eigen(matrix, n);
  std::vector<double> root(matrix.size());
  for (std::int64_t e = 0; e < n; ++e) {
    const double value = std::sqrt(std::max(eigen.values[static_cast<std::size_t>(e)], 0.0));
    const double* const vector = eigen.vectors.data() + e * n;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        root[static_cast<std::size_t>(i * n + j)] += value * vector[i] * vector[j];
  }
  return root;
}

std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b, std::int64_t n) {
  std::vector<double> result(a.size());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < n; ++k)
      for (std::int64_t j = 0; j < n; ++j)
        result[static_cast<std::size_t>(i * n + j)] +=
            a[static_cast<std::size_t>(i * n + k)] * b[static_cast<std::size_t>(k * n + j)];
  return result;
}

double trace(const std::vector<double>& matrix, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += matrix[static_cast<std::size_t>(i * n + i)];
  return sum;
}

}  // namespace

FeatureStatistics feature_statistics(std::span<const float> values, std::int64_t features) {
  if (features < 1 || values.size() % static_cast<std::size_t>(features) != 0)
    throw Error(fmt::format("{} values are no samples of {} features each", values.size(), features));
  const std::int64_t samples = static_cast<std::int64_t>(values.size()) / features;
  if (samples <= features)
    throw Error(fmt::format("a covariance of {} features needs more samples than that: {} are too few",
                            features, samples));
  if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
    throw Error("a feature is infinite or NaN");
  FeatureStatistics result{.samples = samples};
  const auto n = static_cast<std::size_t>(features);
  result.mean.resize(n);
  for (std::size_t i = 0; i < values.size(); ++i) result.mean[i % n] += static_cast<double>(values[i]);
  for (double& mean : result.mean) mean /= static_cast<double>(samples);
  result.covariance.resize(n * n);
  std::vector<double> deviation(n);
  for (std::size_t row = 0; row < values.size(); row += n) {
    for (std::size_t i = 0; i < n; ++i) deviation[i] = static_cast<double>(values[row + i]) - result.mean[i];
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) result.covariance[i * n + j] += deviation[i] * deviation[j];
  }
  for (double& value : result.covariance) value /= static_cast<double>(samples - 1);
  return result;
}

double frechet_distance(const FeatureStatistics& a, const FeatureStatistics& b) {
  if (a.mean.size() != b.mean.size())
    throw Error(fmt::format("a Frechet distance of {} and {} features: equally many needed", a.mean.size(),
                            b.mean.size()));
  const auto n = static_cast<std::int64_t>(a.mean.size());
  double distance = trace(a.covariance, n) + trace(b.covariance, n);
  for (std::size_t i = 0; i < a.mean.size(); ++i) distance += std::pow(a.mean[i] - b.mean[i], 2);
  const std::vector<double> root = square_root(a.covariance, n);
  const SymmetricEigen eigen = symmetric_eigen(product(product(root, b.covariance, n), root, n), n);
  for (const double value : eigen.values) distance -= 2 * std::sqrt(std::max(value, 0.0));
  return std::max(distance, 0.0);
}

}  // namespace attend::metric
