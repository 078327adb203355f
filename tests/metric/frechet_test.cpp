#include "attend/metric/frechet.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "attend/base/random.h"
#include "metric/symmetric_eigen.h"
#include "support/expect_error.h"
#include "support/files.h"

namespace attend::metric {
namespace {

TEST(Frechet, EqualsScipys) {
  const auto cases = nlohmann::json::parse(test::read_all(std::string(ATTEND_GOLDEN_DIR) + "/frechet.json"));
  ASSERT_EQ(cases.size(), 4u);
  for (const auto& entry : cases) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto features = entry["features"].get<std::int64_t>();
    const auto a = entry["a"].get<std::vector<float>>(), b = entry["b"].get<std::vector<float>>();
    const FeatureStatistics of_a = feature_statistics(a, features), of_b = feature_statistics(b, features);
    const auto expected = entry["distance"].get<double>();
    // The root of a matrix loses half of the digits where an eigenvalue is small.
    EXPECT_TRUE(std::abs(frechet_distance(of_a, of_b) - expected) <= 1e-8 * (1 + expected))
        << frechet_distance(of_a, of_b) << ", expected " << expected;
    EXPECT_TRUE(std::abs(frechet_distance(of_b, of_a) - expected) <= 1e-8 * (1 + expected));
  }
}

TEST(Frechet, OfASetAndItselfIsZeroAndOfAShiftItsSquare) {
  Generator random(3);
  std::vector<float> values, shifted;
  for (int i = 0; i < 60; ++i) values.push_back(static_cast<float>(random.uniform()));
  for (std::size_t i = 0; i < values.size(); ++i)
    shifted.push_back(values[i] + (i % 3 == 0 ? 2.0F : i % 3 == 1 ? -1.0F : 0.0F));
  const FeatureStatistics own = feature_statistics(values, 3), other = feature_statistics(shifted, 3);
  EXPECT_EQ(own.samples, 20);
  EXPECT_TRUE(frechet_distance(own, own) <= 1e-9) << frechet_distance(own, own);
  EXPECT_TRUE(std::abs(frechet_distance(own, other) - 5) <= 1e-5) << frechet_distance(own, other);
}

TEST(Frechet, RefusesWhatTellsNothing) {
  const std::vector<float> six = {1, 2, 3, 4, 5, 7};
  EXPECT_ERROR(feature_statistics(six, 3), "a covariance of 3 features needs more samples than that: 2");
  EXPECT_ERROR(feature_statistics(six, 4), "6 values are no samples of 4 features");
  EXPECT_ERROR(feature_statistics(six, 0), "of 0 features");
  EXPECT_ERROR(feature_statistics(std::vector<float>{1}, 1), "1 are too few");
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
    EXPECT_ERROR(feature_statistics(std::vector<float>{1, 2, bad}, 1), "infinite or NaN");
  EXPECT_ERROR(frechet_distance(feature_statistics(six, 1), feature_statistics(six, 2)),
               "of 1 and 2 features");
}

TEST(SymmetricEigen, VectorsAreOrthonormalAndGiveTheMatrixBack) {
  constexpr std::int64_t kSize = 17;
  Generator random(9);
  std::vector<double> matrix(static_cast<std::size_t>(kSize * kSize));
  const auto at = [](std::int64_t i, std::int64_t j) { return static_cast<std::size_t>(i * kSize + j); };
  for (std::int64_t i = 0; i < kSize; ++i)
    for (std::int64_t j = 0; j <= i; ++j) matrix[at(i, j)] = matrix[at(j, i)] = random.uniform() - 0.5;
  const SymmetricEigen eigen = symmetric_eigen(matrix, kSize);
  for (std::int64_t i = 0; i < kSize; ++i)
    for (std::int64_t j = 0; j < kSize; ++j) {
      double product = 0, entry = 0;
      for (std::int64_t k = 0; k < kSize; ++k) {
        product += eigen.vectors[at(i, k)] * eigen.vectors[at(j, k)];
        entry +=
            eigen.values[static_cast<std::size_t>(k)] * eigen.vectors[at(k, i)] * eigen.vectors[at(k, j)];
      }
      EXPECT_TRUE(std::abs(product - (i == j ? 1 : 0)) <= 1e-13) << i << " " << j;
      EXPECT_TRUE(std::abs(entry - matrix[at(i, j)]) <= 1e-13) << i << " " << j;
    }
}

}  // namespace
}  // namespace attend::metric
