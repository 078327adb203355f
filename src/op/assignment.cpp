#include "attend/op/assignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "attend/base/error.h"
#include "op/check.h"

namespace attend::op {

namespace {

// Costs with at most as many rows as columns.
struct Costs {
  std::vector<double> values;
  std::size_t rows = 0, columns = 0;

  double at(std::size_t row, std::size_t column) const { return values[row * columns + column]; }
};

// The column of each row.
//
// Every row and column has a potential, with cost(r, c) - row_potential[r] - column_potential[c] >= 0
// everywhere and equal to 0 at assigned pairs, which is what makes these the cheapest. Each further row is
// assigned along a path that is shortest in these reduced costs, found as Dijkstra's algorithm does.
std::vector<std::size_t> columns_of_rows(const Costs& costs) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::size_t n = costs.rows, m = costs.columns, none = n;
  std::vector<double> row_potential(n), column_potential(m), distance(m);
  std::vector<std::size_t> row_of(m, none), row_before(m), result(n);
  std::vector<char> is_done(m);
  std::vector<std::size_t> done;
  for (std::size_t start = 0; start < n; ++start) {
    std::fill(distance.begin(), distance.end(), kInfinity);
    std::fill(is_done.begin(), is_done.end(), char{0});
    done.clear();
    std::size_t row = start, last = m;
    double length = 0;
    for (;;) {
      std::size_t nearest = m;
      for (std::size_t c = 0; c < m; ++c) {
        if (is_done[c] != 0) continue;
        const double through = length + (costs.at(row, c) - row_potential[row] - column_potential[c]);
        if (through < distance[c]) {
          distance[c] = through;
          row_before[c] = row;
        }
        if (nearest == m || distance[c] < distance[nearest]) nearest = c;
      }
      length = distance[nearest];
      if (row_of[nearest] == none) {
        last = nearest;
        break;
      }
      is_done[nearest] = 1;
      done.push_back(nearest);
      row = row_of[nearest];
    }
    row_potential[start] += length;
    for (const std::size_t c : done) {
      row_potential[row_of[c]] += length - distance[c];
      column_potential[c] -= length - distance[c];
    }
    // The path back: each row on it moves to the column that it was left by.
    for (std::size_t column = last;;) {
      const std::size_t owner = row_before[column];
      row_of[column] = owner;
      std::swap(column, result[owner]);
      if (owner == start) break;
    }
  }
  return result;
}

}  // namespace

Assignment assign(const Tensor& costs) {
  check_floating("assign", costs);
  if (costs.rank() != 2) throw Error(fmt::format("assign of costs {}: [N, M] needed", costs.text()));
  const auto n = static_cast<std::size_t>(costs.dim(0)), m = static_cast<std::size_t>(costs.dim(1));
  const std::vector<double> values = costs.to_vector<double>();
  // Sums of many such numbers are finite, and what is finite has an order.
  constexpr double kLargest = 1e150;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!(std::abs(values[i]) <= kLargest))
      throw Error(fmt::format("assign: cost {} of row {}, column {}; numbers from -1e150 to 1e150 needed",
                              values[i], i / m, i % m));
  const bool is_wide = n <= m;
  Costs wide{.values = values, .rows = std::min(n, m), .columns = std::max(n, m)};
  for (std::size_t i = 0; i < values.size() && !is_wide; ++i) wide.values[i % m * n + i / m] = values[i];
  const std::vector<std::size_t> columns = columns_of_rows(wide);
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
  Assignment result;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i), column = static_cast<std::int64_t>(columns[i]);
    pairs.emplace_back(is_wide ? row : column, is_wide ? column : row);
  }
  std::sort(pairs.begin(), pairs.end());
  std::vector<std::int64_t> chosen_rows, chosen_columns;
  for (const auto& [row, column] : pairs) {
    chosen_rows.push_back(row);
    chosen_columns.push_back(column);
    result.cost += values[static_cast<std::size_t>(row) * m + static_cast<std::size_t>(column)];
  }
  const Shape shape = {static_cast<std::int64_t>(pairs.size())};
  result.rows = Tensor::from(chosen_rows, shape);
  result.columns = Tensor::from(chosen_columns, shape);
  return result;
}

}  // namespace attend::op
