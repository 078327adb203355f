#include "attend/train/watchdog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/expect_error.h"

namespace attend::train {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Watchdog, StopsAtValuesThatAreNotFinite) {
  Watchdog watchdog;
  watchdog.check(1, 4.0, 1.0);
  EXPECT_ERROR(watchdog.check(7, std::nan(""), 1.0), "step 7: the loss is nan");
  EXPECT_ERROR(watchdog.check(8, kInfinity, 1.0), "step 8: the loss is inf");
  EXPECT_ERROR(watchdog.check(9, 4.0, std::nan("")), "step 9: the gradient's norm is nan");
  EXPECT_ERROR(watchdog.check(9, 4.0, kInfinity), "gradient");
  EXPECT_THROW(watchdog.check(9, 4.0, kInfinity), TrainingStopped);
}

TEST(Watchdog, StopsAfterLongDivergence) {
  Watchdog watchdog({.margin = 1, .factor = 0.5, .patience = 5});
  std::int64_t step = 0;
  for (int i = 0; i < 200; ++i) watchdog.check(++step, 4.0, 1);
  // The limit is 4 + max(1, 0.5 * 4) = 6.
  for (int i = 0; i < 100; ++i) watchdog.check(++step, 5.99, 1);
  for (int i = 0; i < 4; ++i) watchdog.check(++step, 6.01, 1);
  watchdog.check(++step, 3.0, 1);  // falls back once
  watchdog.check(++step, 4.0, 1);
  for (int i = 0; i < 4; ++i) watchdog.check(++step, 7.0, 1);
  EXPECT_ERROR(watchdog.check(++step, 7.0, 1), "diverged");
}

TEST(Watchdog, SmallLossMayJumpByTheMargin) {
  Watchdog watchdog({.margin = 1, .factor = 1, .patience = 3});
  std::int64_t step = 0;
  for (int i = 0; i < 300; ++i) watchdog.check(++step, 0.001, 1);
  for (int i = 0; i < 300; ++i) watchdog.check(++step, 0.9, 1);
  EXPECT_EQ(watchdog.state().above, 0);
}

TEST(Watchdog, PatienceZeroWatchesNoDivergence) {
  Watchdog watchdog({.patience = 0});
  watchdog.check(1, 1, 1);
  for (int i = 2; i < 1000; ++i) watchdog.check(i, 1000, 1);
  EXPECT_ERROR(watchdog.check(1000, std::nan(""), 1), "nan");
}

TEST(Watchdog, GoesOnFromItsState) {
  Watchdog first({.patience = 10});
  for (int i = 1; i <= 20; ++i) first.check(i, 2.0, 1);
  for (int i = 21; i <= 29; ++i) first.check(i, 50.0, 1);
  Watchdog second({.patience = 10});
  second.set_state(first.state());
  EXPECT_ERROR(second.check(30, 50.0, 1), "diverged");
}

}  // namespace
}  // namespace attend::train
