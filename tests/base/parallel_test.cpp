#include "attend/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "attend/base/error.h"

namespace attend {
namespace {

TEST(ParallelFor, CoversEachIndexOnceForAwkwardSizes) {
  for (std::int64_t count : {0, 1, 63, 64, 65, 1000})
    for (std::int64_t grain : {1, 7, 64, 5000}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
      parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
        EXPECT_EQ(begin % grain, 0);
        for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
      });
      for (auto& n : seen) ASSERT_EQ(n.load(), 1);
    }
}

TEST(ParallelFor, RethrowsTheFailureOfTheLowestChunk) {
  try {
    parallel_for(100, 1, [](std::int64_t begin, std::int64_t) {
      if (begin >= 10) throw Error(std::to_string(begin));
    });
    FAIL() << "no exception";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "10");
  }
}

TEST(Threads, RejectsImpossibleCounts) {
  EXPECT_THROW(set_threads(0), Error);
  EXPECT_THROW(set_threads(5000), Error);
}

}  // namespace
}  // namespace attend
