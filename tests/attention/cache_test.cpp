#include "attend/attention/cache.h"

#include <gtest/gtest.h>

#include <numeric>

#include "attend/op/gather.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using attention::KeyValueCache;

TEST(Cached, ReorderedRowsAreThoseNamed) {
  const Tensor keys = test::random_tensor({4, 3, 2, 8}, DType::f32, 1),
               values = test::random_tensor({4, 3, 2, 8}, DType::f32, 2),
               more = test::random_tensor({6, 1, 2, 8}, DType::f32, 3);
  for (const std::vector<std::int32_t>& rows : {std::vector<std::int32_t>{0, 1, 2, 3},
                                                {0, 0, 3, 3},
                                                {1, 0, 3, 2},
                                                {1, 2, 3, 0},
                                                {2},
                                                {3, 1, 1, 0, 2, 3}}) {
    KeyValueCache cache(4, 5, 2, 8, DType::f32);
    cache.append(keys, values);
    cache.reorder(rows);
    const auto count = static_cast<std::int64_t>(rows.size());
    ASSERT_EQ(cache.batch(), count);
    EXPECT_EQ(cache.length(), 3);
    EXPECT_EQ(cache.capacity(), 5);
    const Tensor next = op::contiguous(op::slice(more, 0, 0, count));
    cache.append(next, next);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t from = rows[static_cast<std::size_t>(i)];
      const auto old_part = [&](const Tensor& t) { return op::slice(op::slice(t, 0, i, i + 1), 1, 0, 3); };
      EXPECT_TRUE(test::same_bits(old_part(cache.keys()), op::slice(keys, 0, from, from + 1)));
      EXPECT_TRUE(test::same_bits(old_part(cache.values()), op::slice(values, 0, from, from + 1)));
      EXPECT_TRUE(test::same_bits(op::slice(op::slice(cache.keys(), 0, i, i + 1), 1, 3, 4),
                                  op::slice(next, 0, i, i + 1)));
    }
  }
  KeyValueCache cache(2, 5, 2, 8, DType::f32);
  EXPECT_ERROR(cache.reorder(std::vector<std::int32_t>{0, 2}), "cache of 2 rows has no row 2");
  EXPECT_ERROR(cache.reorder(std::vector<std::int32_t>{-1}), "no row -1");
  EXPECT_ERROR(cache.reorder({}), "no rows given");
}

TEST(Cached, ReorderedAtRandomAgainAndAgain) {
  constexpr std::uint64_t kSeed = 5;
  Generator random(kSeed);
  KeyValueCache cache(3, 2, 2, 1, DType::f64);
  const Tensor first = test::random_tensor({3, 2, 2, 1}, DType::f64, 1);
  cache.append(first, first);
  Tensor expected = first;
  for (int step = 0; step < 200; ++step) {
    std::vector<std::int32_t> rows(1 + random.below(9));
    for (std::int32_t& row : rows)
      row = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(cache.batch())));
    // Now and then a permutation, which is made of circles.
    if (step % 3 == 0) {
      rows.resize(static_cast<std::size_t>(cache.batch()));
      std::iota(rows.begin(), rows.end(), 0);
      for (std::size_t i = rows.size() - 1; i > 0; --i) std::swap(rows[i], rows[random.below(i + 1)]);
    }
    cache.reorder(rows);
    const auto count = static_cast<std::int64_t>(rows.size());
    expected = op::gather(expected, 0, Tensor::from(rows, {count, 1, 1, 1}));
    ASSERT_TRUE(test::same_bits(cache.keys(), expected)) << "step " << step << ", seed " << kSeed;
    ASSERT_TRUE(test::same_bits(cache.values(), expected)) << "step " << step << ", seed " << kSeed;
  }
}

}  // namespace
}  // namespace attend
