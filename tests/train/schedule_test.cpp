#include "attend/train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/expect_error.h"

namespace attend::train {
namespace {

constexpr Decay kAll[] = {Decay::constant, Decay::linear, Decay::cosine, Decay::inverse_square_root};

TEST(Schedule, WarmUpRisesToTheMaximum) {
  for (Decay decay : kAll) {
    const Schedule schedule{.decay = decay, .maximum = 0.8, .warmup = 4};
    EXPECT_DOUBLE_EQ(schedule.at(0, 100), 0.2) << name_of(decay);
    EXPECT_DOUBLE_EQ(schedule.at(1, 100), 0.4) << name_of(decay);
    EXPECT_DOUBLE_EQ(schedule.at(3, 100), 0.8) << name_of(decay);
    EXPECT_LE(schedule.at(4, 100), 0.8) << name_of(decay);
    EXPECT_GE(schedule.at(4, 100), 0.7) << name_of(decay);
  }
}

TEST(Schedule, Constant) {
  const Schedule schedule{.decay = Decay::constant, .maximum = 0.5, .minimum = 0.1};
  EXPECT_EQ(schedule.at(0, 10), 0.5);
  EXPECT_EQ(schedule.at(1000, 10), 0.5);
}

TEST(Schedule, Linear) {
  const Schedule schedule{.decay = Decay::linear, .maximum = 1, .minimum = 0.2, .warmup = 10};
  EXPECT_DOUBLE_EQ(schedule.at(10, 110), 1);
  EXPECT_DOUBLE_EQ(schedule.at(60, 110), 0.6);
  EXPECT_DOUBLE_EQ(schedule.at(110, 110), 0.2);
  EXPECT_DOUBLE_EQ(schedule.at(500, 110), 0.2);
}

TEST(Schedule, Cosine) {
  const Schedule schedule{.decay = Decay::cosine, .maximum = 1, .minimum = 0.1, .warmup = 100};
  EXPECT_DOUBLE_EQ(schedule.at(100, 2000), 1);
  for (int step : {101, 500, 1050, 1999}) {
    const double x = (step - 100) / 1900.0;
    EXPECT_NEAR(schedule.at(step, 2000), 0.1 + 0.45 * (1 + std::cos(std::numbers::pi * x)), 1e-12);
  }
  EXPECT_DOUBLE_EQ(schedule.at(2000, 2000), 0.1);
}

TEST(Schedule, InverseSquareRoot) {
  const Schedule schedule{.decay = Decay::inverse_square_root, .maximum = 1, .minimum = 0.2, .warmup = 16};
  EXPECT_DOUBLE_EQ(schedule.at(15, 1000), 1);
  EXPECT_DOUBLE_EQ(schedule.at(63, 1000), 0.5);
  EXPECT_DOUBLE_EQ(schedule.at(999, 1000), 0.2);
  const Schedule cold{.decay = Decay::inverse_square_root, .maximum = 1};
  EXPECT_DOUBLE_EQ(cold.at(0, 1000), 1);
  EXPECT_DOUBLE_EQ(cold.at(3, 1000), 0.5);
}

TEST(Schedule, FollowsAFractionOfTime) {
  const Schedule schedule{.decay = Decay::linear, .maximum = 1, .warmup = 5};
  EXPECT_DOUBLE_EQ(schedule.at(4, 0.9, 0.5), 1);  // the warm-up counts updates
  EXPECT_DOUBLE_EQ(schedule.at(5, 0.25, 0.25), 1);
  EXPECT_DOUBLE_EQ(schedule.at(77, 0.625, 0.25), 0.5);
  EXPECT_DOUBLE_EQ(schedule.at(78, 7, 0.25), 0);
}

TEST(Schedule, WarmUpLongerThanTheRun) {
  const Schedule schedule{.decay = Decay::cosine, .maximum = 1, .warmup = 100};
  EXPECT_DOUBLE_EQ(schedule.at(9, 10), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(0, 0), 0.01);
}

TEST(Schedule, Names) {
  for (Decay decay : kAll) EXPECT_EQ(decay_from_name(name_of(decay)), decay);
  EXPECT_EQ(decay_from_name("inverse-sqrt"), Decay::inverse_square_root);
  EXPECT_ERROR(decay_from_name("cosinus"), "accepted: constant, linear, cosine, inverse-sqrt");
}

TEST(Schedule, RefusesValuesOutOfRange) {
  EXPECT_ERROR((Schedule{.maximum = 0}.check()), "learning rate");
  EXPECT_ERROR((Schedule{.maximum = std::nan("")}.check()), "learning rate");
  EXPECT_ERROR((Schedule{.maximum = 0.1, .minimum = 0.2}.check()), "minimum");
  EXPECT_ERROR((Schedule{.minimum = -1}.check()), "minimum");
  EXPECT_ERROR((Schedule{.warmup = -1}.check()), "warm-up");
  Schedule{}.check();
}

}  // namespace
}  // namespace attend::train
