#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace attend::metric {

/// The mean and the covariance (divided by one less than the samples) of vectors of features.
struct FeatureStatistics {
  std::int64_t samples = 0;
  std::vector<double> mean = {};        ///< [features]
  std::vector<double> covariance = {};  ///< [features, features], row-major
};

/// Statistics of samples [samples, features], row-major. Throws Error unless there are more samples than
/// features (fewer leave directions in which nothing is known), for features below 1, a number of values that
/// is no multiple of them, and a value that is infinite or NaN.
FeatureStatistics feature_statistics(std::span<const float> values, std::int64_t features);

/// The Frechet distance of two normal distributions (Dowson and Landau, "The Frechet distance between
/// multivariate normal distributions", 1982), the measure of pictures that Heusel et al. ("GANs Trained by a
/// Two Time-Scale Update Rule", 2017) take of a classifier's features:
///
///     |mean a - mean b|^2 + trace(A + B - 2 (A B)^(1/2))
///
/// with the covariances A and B, in f64; the trace of the root is that of (A^(1/2) B A^(1/2))^(1/2), by
/// eigen-decomposition. At least 0. Distances by different features, or of different numbers of samples, do
/// not compare: few samples make them larger. Throws Error when the numbers of features differ.
double frechet_distance(const FeatureStatistics& a, const FeatureStatistics& b);

}  // namespace attend::metric
