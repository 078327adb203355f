#include "attend/op/assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "attend/op/cast.h"
#include "attend/op/shape.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace attend {
namespace {

using test::random_tensor;

/// The smallest cost over all ways to give each row of the smaller side a column of its own.
double best_of_all(const Tensor& costs) {
  const bool is_wide = costs.dim(0) <= costs.dim(1);
  const Tensor wide = is_wide ? costs : op::transpose(costs);
  const auto values = wide.to_vector<double>();
  const auto rows = static_cast<std::size_t>(wide.dim(0)), columns = static_cast<std::size_t>(wide.dim(1));
  std::vector<std::size_t> order(columns);
  std::iota(order.begin(), order.end(), std::size_t{0});
  double best = std::numeric_limits<double>::infinity();
  do {
    double cost = 0;
    for (std::size_t r = 0; r < rows; ++r) cost += values[r * columns + order[r]];
    best = std::min(best, cost);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

/// Passes when it is an assignment, and its cost is what it says.
::testing::AssertionResult is_assignment(const op::Assignment& got, const Tensor& costs) {
  const auto rows = got.rows.to_vector<std::int64_t>(), columns = got.columns.to_vector<std::int64_t>();
  const auto values = costs.to_vector<double>();
  const std::int64_t n = costs.dim(0), m = costs.dim(1);
  if (got.rows.dtype() != DType::i64 || got.columns.dtype() != DType::i64)
    return ::testing::AssertionFailure() << "indices " << got.rows.text() << ", " << got.columns.text();
  if (static_cast<std::int64_t>(rows.size()) != std::min(n, m) || rows.size() != columns.size())
    return ::testing::AssertionFailure() << rows.size() << " rows, " << columns.size() << " columns";
  std::vector<bool> is_used(static_cast<std::size_t>(m));
  double cost = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0 || rows[i] >= n || columns[i] < 0 || columns[i] >= m)
      return ::testing::AssertionFailure() << "pair " << i << " is outside";
    if (i > 0 && rows[i] <= rows[i - 1])
      return ::testing::AssertionFailure() << "rows do not ascend at " << i;
    if (is_used[static_cast<std::size_t>(columns[i])])
      return ::testing::AssertionFailure() << "column " << columns[i] << " twice";
    is_used[static_cast<std::size_t>(columns[i])] = true;
    cost += values[static_cast<std::size_t>(rows[i] * m + columns[i])];
  }
  if (!(std::abs(cost - got.cost) <= 1e-12 * std::max(1.0, std::abs(cost))))
    return ::testing::AssertionFailure() << "cost " << got.cost << ", of the pairs " << cost;
  return ::testing::AssertionSuccess();
}

TEST(Assign, IsTheBestOfAllAssignments) {
  for (std::int64_t rows = 1; rows <= 6; ++rows)
    for (std::int64_t columns = 1; columns <= 6; ++columns)
      for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Tensor any = random_tensor({rows, columns}, DType::f64, seed, -3, 3);
        // Few different costs, so that many assignments are equally good.
        const Tensor ties = op::cast(test::random_integers({rows, columns}, 4, seed), DType::f32);
        for (const Tensor& costs : {any, ties, op::cast(any, DType::bf16)}) {
          const op::Assignment got = op::assign(costs);
          EXPECT_TRUE(is_assignment(got, costs));
          EXPECT_NEAR(got.cost, best_of_all(costs), 1e-12) << rows << " x " << columns << ", seed " << seed;
        }
      }
}

TEST(Assign, FindsAHiddenAssignmentOfALargeMatrix) {
  // costs[i, j] = u_i + v_j + something that is 0 at the hidden pairs alone. v is lowest there, since not all
  // columns are used.
  constexpr std::int64_t kRows = 150, kColumns = 210;
  const Tensor costs = random_tensor({kRows, kColumns}, DType::f64, 1, 0.01, 1);
  const auto u = random_tensor({kRows}, DType::f64, 2, -50, 50).to_vector<double>();
  std::vector<std::int64_t> hidden;
  for (std::int64_t i = 0; i < kRows; ++i) hidden.push_back(i * 37 % kColumns);
  double* p = costs.data<double>();
  std::vector<double> v(kColumns, 0.0);
  const auto lower = random_tensor({kRows}, DType::f64, 3, -50, 0).to_vector<double>();
  for (std::size_t i = 0; i < kRows; ++i) {
    p[static_cast<std::int64_t>(i) * kColumns + hidden[i]] = 0;
    v[static_cast<std::size_t>(hidden[i])] = lower[i];
  }
  for (std::size_t i = 0; i < kRows; ++i)
    for (std::size_t j = 0; j < kColumns; ++j) p[i * kColumns + j] += u[i] + v[j];
  EXPECT_EQ(op::assign(costs).columns.to_vector<std::int64_t>(), hidden);
  // The same pairs of the transpose, there in the order of the other side.
  const op::Assignment turned = op::assign(op::transpose(costs));
  EXPECT_TRUE(is_assignment(turned, op::transpose(costs)));
  const auto rows = turned.rows.to_vector<std::int64_t>(), columns = turned.columns.to_vector<std::int64_t>();
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(hidden[static_cast<std::size_t>(columns[i])], rows[i]) << i;
}

TEST(Assign, ItsOrderIsThatOfTheFirstBestPairsWhereAllAreEqual) {
  EXPECT_EQ(op::assign(Tensor::zeros({3, 5})).columns.to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(op::assign(Tensor::zeros({5, 3})).rows.to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{0, 1, 2}));
}

TEST(Assign, OfNothingIsNothing) {
  for (const Shape& shape : {Shape{0, 0}, Shape{0, 4}, Shape{4, 0}}) {
    const op::Assignment got = op::assign(Tensor::zeros(shape));
    EXPECT_EQ(got.rows.elements() + got.columns.elements(), 0);
    EXPECT_EQ(got.cost, 0);
  }
}

TEST(Assign, NamesWhatDoesNotFit) {
  EXPECT_ERROR(op::assign(Tensor::zeros({2, 2}, DType::i32)), "assign of i32");
  EXPECT_ERROR(op::assign(Tensor::zeros({2})), "assign of costs f32 [2]: [N, M] needed");
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {std::nan(""), infinity, -infinity, 1e200}) {
    const Tensor costs = Tensor::zeros({2, 3}, DType::f64);
    costs.data<double>()[4] = bad;
    EXPECT_ERROR(op::assign(costs), "row 1, column 1; numbers from -1e150 to 1e150 needed");
  }
}

}  // namespace
}  // namespace attend
