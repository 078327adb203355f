#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/metric/precision_recall.h"

namespace attend::test {

/// A part of tests/golden/metrics.json: what the reference tools say (make_metrics.py).
inline nlohmann::json golden_metrics(const std::string& part) {
  std::ifstream file(ATTEND_GOLDEN_DIR "/metrics.json");
  return nlohmann::json::parse(file).at(part);
}

/// Both sides compute in double precision, from the same whole numbers.
inline void expect_same(double actual, double expected, const std::string& what) {
  EXPECT_TRUE(std::abs(actual - expected) <= 1e-9 * std::abs(expected) + 1e-15)
      << what << ": " << actual << " is not " << expected;
}

/// `expected` is [precision, recall, f1, ...].
inline void expect_same(const metric::PrecisionRecall& actual, const nlohmann::json& expected,
                        const std::string& what) {
  expect_same(actual.precision, expected.at(0).get<double>(), what + ", precision");
  expect_same(actual.recall, expected.at(1).get<double>(), what + ", recall");
  expect_same(actual.f1, expected.at(2).get<double>(), what + ", f1");
}

}  // namespace attend::test
