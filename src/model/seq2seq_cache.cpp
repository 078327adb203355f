#include <numeric>

#include "attend/model/seq2seq.h"
#include "model/token_model.h"

namespace attend::model {

namespace {

std::vector<std::int32_t> counting(std::int64_t count) {
  std::vector<std::int32_t> result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), 0);
  return result;
}

}  // namespace

Seq2SeqCache::Seq2SeqCache(std::int64_t rows, const Tensor& lengths)
    : groups_(nn::RowGroups::one_to_one(rows)), memory_lengths_(lengths), source_of_row_(counting(rows)) {}

void Seq2SeqCache::truncate(std::int64_t length) {
  for (auto& layer : layers_) layer.self_attention.truncate(length);
}

void Seq2SeqCache::reorder(std::span<const std::int32_t> rows) {
  nn::RowGroups::Reordered next = groups_.reordered(rows);
  for (auto& layer : layers_) layer.self_attention.reorder(rows);
  if (static_cast<std::int64_t>(next.kept.size()) < groups_.memories()) {
    for (auto& layer : layers_) layer.memory.reorder(next.kept);
    memory_lengths_ = picked_lengths(memory_lengths_, next.kept);
  }
  std::vector<std::int32_t> source_of_row;
  for (const std::int32_t row : rows) source_of_row.push_back(source_of_row_[static_cast<std::size_t>(row)]);
  groups_ = std::move(next.groups);
  source_of_row_ = std::move(source_of_row);
}

}  // namespace attend::model
