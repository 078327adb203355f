#include <numeric>

#include "attend/model/seq2seq.h"

namespace attend::model {

namespace {

std::vector<std::int32_t> counting(std::int64_t count) {
  std::vector<std::int32_t> result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), 0);
  return result;
}

/// Elements of a vector by their places.
Tensor picked(const Tensor& values, const std::vector<std::int32_t>& places) {
  if (!values.defined()) return {};
  std::vector<std::int32_t> result;
  for (const std::int32_t place : places) result.push_back(values.data<std::int32_t>()[place]);
  return Tensor::from(result, {static_cast<std::int64_t>(result.size())});
}

}  // namespace

Seq2SeqCache::Seq2SeqCache(std::int64_t rows, const Tensor& lengths)
    : groups_(nn::RowGroups::one_to_one(rows)), memory_lengths_(lengths), source_of_row_(counting(rows)) {}

void Seq2SeqCache::truncate(std::int64_t length) {
  for (auto& layer : layers_) layer.self_attention.truncate(length);
}

void Seq2SeqCache::reorder(std::span<const std::int32_t> rows) {
  for (auto& layer : layers_) layer.self_attention.reorder(rows);
  // Memories that no row looks at any more are given up.
  const auto before = groups_.memory_of_row();
  std::vector<std::int32_t> new_place(static_cast<std::size_t>(groups_.memories()), -1), kept, memory_of_row,
      source_of_row;
  for (const std::int32_t row : rows)
    new_place[static_cast<std::size_t>(before[static_cast<std::size_t>(row)])] = 0;
  for (std::size_t memory = 0; memory < new_place.size(); ++memory) {
    if (new_place[memory] < 0) continue;
    new_place[memory] = static_cast<std::int32_t>(kept.size());
    kept.push_back(static_cast<std::int32_t>(memory));
  }
  for (const std::int32_t row : rows) {
    const auto at = static_cast<std::size_t>(row);
    memory_of_row.push_back(new_place[static_cast<std::size_t>(before[at])]);
    source_of_row.push_back(source_of_row_[at]);
  }
  if (kept.size() < new_place.size()) {
    for (auto& layer : layers_) layer.memory.reorder(kept);
    memory_lengths_ = picked(memory_lengths_, kept);
  }
  groups_ = nn::RowGroups(std::move(memory_of_row), static_cast<std::int64_t>(kept.size()));
  source_of_row_ = std::move(source_of_row);
}

}  // namespace attend::model
