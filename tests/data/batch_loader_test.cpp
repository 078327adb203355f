#include "attend/data/batch_loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "attend/data/language_model.h"
#include "support/expect_error.h"

namespace attend::data {
namespace {

TokenBatch numbered(std::int64_t index) {
  return {.inputs = {static_cast<std::int32_t>(index)}, .targets = {0}, .batch = 1, .context = 1};
}

TEST(BatchLoader, GivesTheBatchesInOrderFromTheFirst) {
  BatchLoader loader(numbered, {.first = 7});
  for (int i = 7; i < 200; ++i) EXPECT_EQ(loader.next().inputs[0], i);
  EXPECT_TRUE(loader.has_next());
}

TEST(BatchLoader, EndsAfterTheLast) {
  BatchLoader loader(numbered, {.first = 2, .count = 3});
  for (int i = 2; i < 5; ++i) {
    EXPECT_TRUE(loader.has_next());
    EXPECT_EQ(loader.next().inputs[0], i);
  }
  EXPECT_FALSE(loader.has_next());
  EXPECT_ERROR(loader.next(), "all 3 batches have been taken");
}

TEST(BatchLoader, WorksAheadOfTheCallerButNotWithoutBound) {
  std::atomic<int> made = 0;
  BatchLoader loader(
      [&](std::int64_t index) {
        ++made;
        made.notify_all();
        return numbered(index);
      },
      {.ahead = 3});
  for (int seen = made; seen < 3; seen = made) made.wait(seen);
  // A loader without a bound would have made many more by now.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(made, 3);
  loader.next();
  for (int seen = made; seen < 4; seen = made) made.wait(seen);
  EXPECT_EQ(made, 4);
}

TEST(BatchLoader, TellsWhereTheTimeWent) {
  static constexpr std::chrono::milliseconds kLong(40);
  const auto slow = [](std::int64_t index) {
    std::this_thread::sleep_for(kLong);
    return numbered(index);
  };
  BatchLoader loader(slow, {.count = 3});
  for (int i = 0; i < 3; ++i) loader.next();
  const LoaderTimes times = loader.times();
  EXPECT_EQ(times.made, 3);
  EXPECT_EQ(times.taken, 3);
  EXPECT_GE(times.making_seconds, 0.12);
  EXPECT_GT(times.waiting_seconds, 0);
}

TEST(BatchLoader, PassesAnExceptionToTheCallerInItsPlace) {
  BatchLoader loader([](std::int64_t index) {
    if (index == 2) throw Error("token 9 is bad");
    return numbered(index);
  });
  EXPECT_EQ(loader.next().inputs[0], 0);
  EXPECT_EQ(loader.next().inputs[0], 1);
  EXPECT_ERROR(loader.next(), "token 9 is bad");
  EXPECT_ERROR(loader.next(), "token 9 is bad");
}

TEST(BatchLoader, StopsWhateverItsThreadIsDoing) {
  for (int round = 0; round < 200; ++round) {
    BatchLoader loader(numbered, {.ahead = 1 + round % 3});
    for (int i = 0; i < round % 5; ++i) loader.next();
  }
  BatchLoader failing([](std::int64_t) -> TokenBatch { throw std::runtime_error("never asked for"); });
}

TEST(BatchLoader, RefusesAQueueWithoutRoom) {
  EXPECT_ERROR(BatchLoader(numbered, {.ahead = 0}), "ahead: 0 given");
}

TEST(BatchLoader, GivesTheSameBatchesAsWithoutIt) {
  std::vector<std::int32_t> ids(500);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i * i % 97);
  const RandomWindows windows(TokenView(ids, 97), {.batch = 4, .context = 16}, 3);
  BatchLoader loader([&](std::int64_t index) { return windows.batch(index); }, {.first = 5});
  for (std::int64_t i = 5; i < 50; ++i) {
    const TokenBatch expected = windows.batch(i), got = loader.next();
    EXPECT_EQ(got.inputs, expected.inputs);
    EXPECT_EQ(got.targets, expected.targets);
  }
}

}  // namespace
}  // namespace attend::data
