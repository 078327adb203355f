#include "attend/nn/row_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/gather.h"
#include "attend/op/shape.h"

namespace attend::nn {

namespace {

// Rows of x by i32 indices.
Tensor picked_rows(const Tensor& x, const Tensor& rows) {
  Shape shape;
  for (int i = 0; i < x.rank(); ++i) shape.append(i == 0 ? rows.dim(0) : 1);
  return op::gather(x, 0, op::reshape(rows, shape));
}

// [a, b, ...] to [a / factor, factor b, ...], or with `split` to [factor a, b / factor, ...].
Tensor regrouped(const Tensor& x, std::int64_t factor, bool split) {
  Shape shape = x.shape();
  shape.set(0, split ? x.dim(0) * factor : x.dim(0) / factor);
  shape.set(1, split ? x.dim(1) / factor : x.dim(1) * factor);
  return op::reshape(x, shape);
}

}  // namespace

RowGroups::RowGroups(std::vector<std::int32_t> memory_of_row, std::int64_t memories)
    : memory_of_row_(std::move(memory_of_row)), memories_(memories) {
  if (memory_of_row_.empty()) throw Error("rows that look at a memory: at least one needed");
  std::vector<std::int32_t> counts(static_cast<std::size_t>(std::max<std::int64_t>(memories, 0)), 0);
  std::vector<std::int32_t> places;
  for (const std::int32_t memory : memory_of_row_) {
    if (memory < 0 || memory >= memories)
      throw Error(fmt::format("a row looks at row {} of a memory of {} rows", memory, memories));
    places.push_back(counts[static_cast<std::size_t>(memory)]++);
  }
  most_ = *std::ranges::max_element(counts);
  std::vector<std::int32_t> row_of_place(static_cast<std::size_t>(memories * most_), 0);
  for (std::size_t row = 0; row < places.size(); ++row) {
    places[row] += memory_of_row_[row] * static_cast<std::int32_t>(most_);
    row_of_place[static_cast<std::size_t>(places[row])] = static_cast<std::int32_t>(row);
    is_even_ = is_even_ && places[row] == static_cast<std::int32_t>(row);
  }
  is_even_ = is_even_ && memories * most_ == rows();
  row_of_place_ = Tensor::from(row_of_place, {memories * most_});
  place_of_row_ = Tensor::from(places, {rows()});
}

RowGroups RowGroups::one_to_one(std::int64_t rows) {
  std::vector<std::int32_t> memory_of_row(static_cast<std::size_t>(std::max<std::int64_t>(rows, 0)));
  std::iota(memory_of_row.begin(), memory_of_row.end(), 0);
  return {std::move(memory_of_row), rows};
}

RowGroups::Reordered RowGroups::reordered(std::span<const std::int32_t> rows) const {
  const std::int64_t before = this->rows();
  if (rows.empty()) throw Error("a decoder: no rows given to go on with");
  std::vector<std::int32_t> new_place(static_cast<std::size_t>(memories_), -1), kept, memory_of_row;
  for (const std::int32_t row : rows) {
    if (row < 0 || row >= before) throw Error(fmt::format("a decoder of {} rows has no row {}", before, row));
    new_place[static_cast<std::size_t>(memory_of_row_[static_cast<std::size_t>(row)])] = 0;
  }
  for (std::size_t memory = 0; memory < new_place.size(); ++memory) {
    if (new_place[memory] < 0) continue;
    new_place[memory] = static_cast<std::int32_t>(kept.size());
    kept.push_back(static_cast<std::int32_t>(memory));
  }
  for (const std::int32_t row : rows)
    memory_of_row.push_back(
        new_place[static_cast<std::size_t>(memory_of_row_[static_cast<std::size_t>(row)])]);
  const auto memories = static_cast<std::int64_t>(kept.size());
  return {RowGroups(std::move(memory_of_row), memories), std::move(kept)};
}

Tensor RowGroups::grouped(const Tensor& x) const {
  const autograd::NoGrad no_grad;
  return regrouped(is_even_ ? x : picked_rows(x, row_of_place_), most_, false);
}

Tensor RowGroups::ungrouped(const Tensor& x) const {
  const autograd::NoGrad no_grad;
  const Tensor by_place = regrouped(x, most_, true);
  return is_even_ ? by_place : picked_rows(by_place, place_of_row_);
}

Tensor RowGroups::ungrouped_weights(const Tensor& weights) const {
  const autograd::NoGrad no_grad;
  const Tensor by_query = op::contiguous(op::permute(weights, {0, 2, 1, 3}));
  return op::contiguous(op::permute(ungrouped(by_query), {0, 2, 1, 3}));
}

}  // namespace attend::nn
